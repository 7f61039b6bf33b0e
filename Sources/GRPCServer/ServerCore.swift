import CGRPCServer
import HTTPServer
import Synchronization
import TLS

/// What the threads of one server share, and gRPC's server itself. It lives as long as one of them serves.
final class ServerCore: @unchecked Sendable {
  // Sendable: `server` is set before anybody else has this; the C calls are safe on any thread.

  let configuration: GRPCServerConfiguration
  let handler: any GRPCHandler
  let health: HealthService
  let pool = BufferPool()
  private let certificates: Certificates?
  private var server: OpaquePointer?
  private let inFlight = Atomic<Int>(0)

  /// Calls that are being received or have not been answered.
  var callsInFlight: Int { inFlight.load(ordering: .relaxed) }

  /// Whether the messages that are held leave memory for another.
  var hasRoom: Bool { pool.bytesInUse <= configuration.maxBufferedBytes }

  init(configuration: GRPCServerConfiguration, services: [String], handler: any GRPCHandler) throws(GRPCServerError) {
    self.configuration = configuration
    self.handler = handler
    health = HealthService(services: services)
    certificates = try configuration.tls.map { tls throws(GRPCServerError) in try Certificates(tls) }
    var options = cgrpc_options(configuration)
    var callbacks = Self.callbacks
    let context = Unmanaged.passUnretained(self).toOpaque()
    if let certificates {
      var tls = certificates.shim
      server = cgrpc_server_new(&options, &tls, &callbacks, context)
    } else {
      server = cgrpc_server_new(&options, nil, &callbacks, context)
    }
    guard server != nil else {
      throw configuration.tls.map { tls in
        .wrongCertificates(files: [tls.certFile, tls.keyFile] + (tls.clientCAFile.map { [$0] } ?? []))
      } ?? .refusedByLibrary
    }
  }

  deinit {
    if let server { cgrpc_server_free(server) }
  }

  func start() { cgrpc_server_start(server) }

  /// Serves on this thread until the last call after the stop is answered.
  func serve() { cgrpc_server_serve(server) }

  /// Takes over a connected socket, whatever becomes of it.
  func add(_ socket: Int32) { cgrpc_server_add(server, socket) }

  func stop(timeout: Duration) { cgrpc_server_stop(server, timeout.milliseconds) }

  func callBegan() { inFlight.add(1, ordering: .relaxed) }

  func callEnded() { inFlight.subtract(1, ordering: .relaxed) }

  private func begin(_ head: GRPCCallHead) {
    if health.begin(head) { return }
    switch handler.decide(head) {
    case .reject(let status): head.answer(status)
    case .receive(let note) where hasRoom: head.receive(GRPCCall(head, note: note, core: self))
    case .receive: head.answer(handler.status(of: .tooManyBytes))
    }
  }

  private static let callbacks = cgrpc_callbacks(
    began: { core, call in
      guard let core, let call else { return }
      Unmanaged<ServerCore>.fromOpaque(core).takeUnretainedValue().begin(GRPCCallHead(call))
    },
    received: { _, object in
      guard let object else { return }
      Unmanaged<CallObject>.fromOpaque(object).takeRetainedValue().received()
    },
    lost: { _, object in
      guard let object else { return }
      Unmanaged<CallObject>.fromOpaque(object).takeRetainedValue().lost()
    },
    sent: { _, object in
      guard let object else { return }
      Unmanaged<CallObject>.fromOpaque(object).takeUnretainedValue().sent()
    },
    closed: { _, object in
      guard let object else { return }
      Unmanaged<CallObject>.fromOpaque(object).takeUnretainedValue().closed()
    })
}

extension cgrpc_options {
  fileprivate init(_ configuration: GRPCServerConfiguration) {
    let keepalive = configuration.keepalive
    self.init(
      max_message: configuration.maxMessageBytes, memory: configuration.maxBufferedBytes,
      max_concurrent_streams: UInt32(clamping: configuration.maxConcurrentStreams),
      max_connection_idle: keepalive.maxConnectionIdle.milliseconds,
      max_connection_age: keepalive.maxConnectionAge.milliseconds,
      max_connection_age_grace: keepalive.maxConnectionAgeGrace.milliseconds,
      keepalive_time: keepalive.time.milliseconds, keepalive_timeout: keepalive.timeout.milliseconds,
      min_ping_interval: keepalive.minTime.milliseconds, permit_pings_without_calls: keepalive.permitWithoutStream)
  }
}

extension Duration {
  /// Rounded up, so that what is more than nothing stays so.
  fileprivate var milliseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
  }
}
