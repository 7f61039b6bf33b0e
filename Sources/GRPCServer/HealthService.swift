import HTTPServer
import Locks

/// `grpc.health.v1.Health`: tells load balancers and orchestrators whether calls are welcome.
final class HealthService: @unchecked Sendable {
  // Sendable: the mutable properties are touched only under `lock`.

  /// `grpc.health.v1.HealthCheckResponse.ServingStatus`.
  enum Status: UInt8 {
    case serving = 1
    case notServing = 2
    /// Only in answers to `Watch`.
    case unknownService = 3

    /// An encoded `HealthCheckResponse`.
    var response: [UInt8] { [0x08, rawValue] }
  }

  private let services: Set<String>
  private let lock = Lock()
  private var isServing = true
  private var isEnding = false
  private var watchers: [ObjectIdentifier: HealthWatcher] = [:]

  /// - Parameter services: full names; the server as a whole has the empty one.
  init(services: [String]) {
    self.services = Set(services + [""])
  }

  /// Takes a call if it is about health.
  func begin(_ head: GRPCCallHead) -> Bool {
    switch head.method {
    case "/grpc.health.v1.Health/Check": head.receive(HealthCall(head, of: self, isWatch: false))
    case "/grpc.health.v1.Health/Watch": head.receive(HealthCall(head, of: self, isWatch: true))
    default: return false
    }
    return true
  }

  /// Says from now on that no calls are welcome.
  func stopServing() {
    update { isServing = false }
  }

  /// Ends the calls that watch, when they have been told.
  func end() {
    update { isEnding = true }
  }

  private func update(_ change: () -> Void) {
    let all = lock.withLock {
      change()
      return Array(watchers.values)
    }
    for watcher in all { watcher.update() }
  }

  func status(of service: String) -> Status {
    guard services.contains(service) else { return .unknownService }
    return lock.withLock { isServing } ? .serving : .notServing
  }

  /// Whether calls that watch should end.
  var mustEnd: Bool { lock.withLock { isEnding } }

  func add(_ watcher: HealthWatcher) {
    lock.withLock { watchers[ObjectIdentifier(watcher)] = watcher }
  }

  func remove(_ watcher: HealthWatcher) {
    _ = lock.withLock { watchers.removeValue(forKey: ObjectIdentifier(watcher)) }
  }
}

/// A question about health.
private final class HealthCall: CallObject, @unchecked Sendable {
  // Sendable: nothing changes.
  private let head: GRPCCallHead
  private let health: HealthService
  private let isWatch: Bool

  init(_ head: GRPCCallHead, of health: HealthService, isWatch: Bool) {
    self.head = head
    self.health = health
    self.isWatch = isWatch
  }

  override func received() {
    guard let service = HealthRequest.service(of: head) else {
      return head.answer(GRPCStatus(.invalidArgument, "no HealthCheckRequest"))
    }
    if isWatch {
      HealthWatcher(head, of: health, service: service).start()
    } else {
      let status = health.status(of: service)
      if status == .unknownService {
        head.answer(GRPCStatus(.notFound, "no service of that name"))
      } else {
        head.answer(status.response)
      }
    }
  }
}

/// `grpc.health.v1.HealthCheckRequest`: a name in field 1.
enum HealthRequest {
  /// Longer ones are nobody's.
  private static let longest = 1024

  /// The service asked for; nil when the message is none, or compressed.
  static func service(of head: GRPCCallHead) -> String? {
    guard let taken = head.takeMessage() else { return nil }
    let message = GRPCMessage(taken, pool: .init(maxIdleCount: 0))
    defer { withExtendedLifetime(message) {} }
    return message.isGzip || message.bytes.count > longest ? nil : service(in: message.bytes)
  }

  /// The last field 1 counts; other fields are skipped. nil when the bytes are no protobuf message.
  static func service(in bytes: UnsafeRawBufferPointer) -> String? {
    var rest = bytes[...]
    var service = ""
    while !rest.isEmpty {
      guard let tag = varint(&rest), tag >> 3 > 0 else { return nil }
      switch tag & 7 {
      case 0: guard varint(&rest) != nil else { return nil }
      case 1: guard skip(8, of: &rest) != nil else { return nil }
      case 2:
        guard let count = varint(&rest), count <= longest, let text = skip(Int(count), of: &rest) else { return nil }
        if tag >> 3 == 1 { service = String(decoding: text, as: UTF8.self) }
      case 5: guard skip(4, of: &rest) != nil else { return nil }
      default: return nil
      }
    }
    return service
  }

  private static func varint(_ rest: inout Slice<UnsafeRawBufferPointer>) -> UInt64? {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard let byte = rest.popFirst() else { return nil }
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    return nil
  }

  private static func skip(_ count: Int, of rest: inout Slice<UnsafeRawBufferPointer>) -> Slice<UnsafeRawBufferPointer>?
  {
    guard count <= rest.count else { return nil }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }
}
