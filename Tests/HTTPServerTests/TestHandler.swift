import Glibc
import HTTPServer
import Locks

/// A handler that does what the path says, and notes what it saw.
final class TestHandler: HTTPHandler {
  static let limit = 1_000_000

  private let state = Locked(State())
  private let changed = Lock()

  private struct State {
    var pending: [HTTPRequest] = []
    var handled = 0
    var decided = 0
    var endings: [HTTPEnding] = []
  }

  private let refusals = [400, 404, 405, 415, 503].map {
    HTTPResponse(status: $0, headers: [("Retry-After", "1")], body: Array("refused".utf8))
  }

  var handledCount: Int { state.withLock { $0.handled } }
  var decidedCount: Int { state.withLock { $0.decided } }
  /// Why the server ended connections, in that order.
  var endings: [HTTPEnding] { state.withLock { $0.endings } }

  func decide(_ head: HTTPRequestHead) -> HTTPDecision {
    state.withLock { $0.decided += 1 }
    if let refusal = refusals.first(where: { head.path == "/\($0.status)" }) { return .reject(refusal) }
    return .receive(limit: Self.limit)
  }

  func connectionEnded(_ reason: HTTPEnding) { state.withLock { $0.endings.append(reason) } }

  func handle(_ request: HTTPRequest) {
    let path = request.head.path
    state.withLock { $0.handled += 1 }
    switch path {
    case "/later":
      changed.withLock {
        state.withLock { $0.pending.append(request) }
        changed.wakeAll()
      }
    case "/thread":
      let body = request.takeBody()
      let thread = BackgroundThread(name: "reply") {
        request.respond(HTTPResponse(status: 200, body: body.array))
      }
      // Replies race with this method's return: half of them come before.
      if body.count % 2 == 0 { thread.join() } else { detached.withLock { $0.append(thread) } }
    case "/headers":
      let value = request.head.header("X-Custom-NAME")
      request.respond(HTTPResponse(status: 200, body: Array((value?.string ?? "none").utf8)))
    case "/request":
      let description = "\(request.head.method) \(request.head.contentLength.map(String.init) ?? "chunked")"
      request.respond(HTTPResponse(status: 200, contentType: "text/plain", body: Array(description.utf8)))
    case "/nothing": request.respond(Self.empty)
    default:
      let body = request.takeBody()
      request.respond(HTTPResponse(status: 200, body: body.array))
    }
  }

  private let detached = Locked<[BackgroundThread]>([])
  private static let empty = HTTPResponse(status: 200, contentType: "application/x-protobuf")

  /// Waits until so many requests to `/later` are unanswered, and hands them over.
  func pending(_ count: Int) -> [HTTPRequest] {
    changed.withLock {
      while state.withLock({ $0.pending.count }) < count { changed.wait() }
    }
    return state.withLock { state in
      defer { state.pending = [] }
      return state.pending
    }
  }

  deinit {
    for thread in detached.withLock({ $0 }) { thread.join() }
  }
}

/// Runs a server for the time of a test.
func withServer(
  _ configuration: HTTPServerConfiguration = HTTPServerConfiguration(workers: 2),
  _ test: (HTTPServer, TestHandler) throws -> Void
) throws {
  let handler = TestHandler()
  let server = try HTTPServer(configuration: configuration, handler: handler)
  try server.start()
  defer { server.stop(timeout: .zero) }
  try test(server, handler)
}

/// Waits for something that another thread is about to bring about, and that nobody announces.
func waitUntil(_ condition: () -> Bool) -> Bool {
  for _ in 0..<6000 {
    if condition() { return true }
    usleep(10_000)
  }
  return false
}

/// Bytes that would betray a missing or a repeated piece.
func pattern(_ count: Int) -> [UInt8] {
  // It begins again there; bytes are worked out slowly where every access is checked by a sanitizer.
  let period = (0..<min(count, 65_536)).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
  var bytes: [UInt8] = []
  bytes.reserveCapacity(count)
  while bytes.count < count { bytes += period.prefix(count - bytes.count) }
  return bytes
}

extension PooledBuffer {
  var array: [UInt8] { withBytes { Array($0) } }
}
