import Compression
import Glibc
import Locks

/// An OTLP/HTTP backend that accepts everything and checks all of it.
final class Sink: @unchecked Sendable {
  // Sendable: `connections` is touched only under `lock`, `acceptor` only in init and `stop`.

  /// What the sink expects.
  struct Expectation: Sendable {
    var numbering: Numbering
    /// How many traces will come.
    var traces: Int
    /// Whether every span should carry the identity of its root.
    var identity = true

    var spans: Int { traces * Numbering.spansPerTrace }
  }

  let scoreboard: Scoreboard
  let endpoint: Endpoint
  private let expectation: Expectation
  private let listener: Socket
  private let lock = Lock()
  private var connections: [(socket: Socket, thread: BackgroundThread)] = []
  private var acceptor: BackgroundThread?

  /// Starts to listen.
  ///
  /// - Parameters:
  ///   - port: where on the loopback interface; 0 lets the system pick.
  ///   - expectation: what should come.
  /// - Throws: when the port is taken.
  init(port: UInt16, expecting expectation: Expectation) throws {
    self.expectation = expectation
    scoreboard = Scoreboard(spans: expectation.spans)
    listener = try Socket.listen(at: .loopback(port))
    endpoint = .loopback(listener.port)
    acceptor = BackgroundThread(name: "sink") { [unowned self] in accept() }
  }

  /// Ends all threads; nothing is received any more.
  func stop() {
    listener.shutDown()
    acceptor?.join()
    let open = lock.withLock { connections }
    open.forEach { $0.socket.shutDown() }
    open.forEach { $0.thread.join() }
  }

  /// Connections over the sink's whole life. Collectors keep theirs, so a few are normal.
  private static let mostConnections = 1024

  private func accept() {
    for _ in 0..<Self.mostConnections {
      guard let socket = listener.accept(patience: 600) else { return }
      lock.withLock {
        let thread = BackgroundThread(name: "sink") { [unowned self] in serve(socket) }
        connections.append((socket, thread))
      }
    }
    printError("the sink takes no more than \(Self.mostConnections) connections")
  }

  private func serve(_ socket: Socket) {
    let stream = HTTPStream(socket)
    let body = Memory()
    let inflated = Memory()
    var checker = RequestChecker(
      numbering: expectation.numbering, traces: expectation.traces, checksIdentity: expectation.identity)
    var cpu = 0
    do {
      while let head = try stream.readHead() {
        if head["expect"]?.lowercased() == "100-continue" { try socket.send("HTTP/1.1 100 Continue\r\n\r\n") }
        let length = try stream.readBody(of: head, into: body)
        do {
          let message = try decode(body.prefix(length), of: head, into: inflated)
          var finding = try checker.check(message)
          finding.tally.requests = 1
          finding.tally.bytes = message.count
          finding.tally.wireBytes = length
          let now = threadCPUTime()
          finding.tally.cpu = now - cpu
          cpu = now
          scoreboard.add(finding)
          try reply("200 OK", on: socket)
        } catch  where error is WireReader.Malformed || error is InflateError {
          scoreboard.addMalformed()
          try reply("400 Bad Request", on: socket)
        }
        guard !head.closesConnection else { break }
      }
    } catch {
      // A collector may drop its connections when it ends; what it lost with them is missed by the counts.
    }
    socket.shutDown()
  }

  /// The body without its content encoding.
  private func decode(
    _ body: UnsafeRawBufferPointer, of head: HTTPHead, into memory: Memory
  ) throws -> UnsafeRawBufferPointer {
    switch head["content-encoding"]?.lowercased() {
    case nil, "identity": return body
    case "gzip": return memory.prefix(try Inflate.gzip(body, limit: HTTPStream.largestBody) { memory.reserve($0) })
    default: throw WireReader.Malformed()
    }
  }

  /// The body is empty: an `ExportTraceServiceResponse` with nothing to complain about.
  private func reply(_ status: String, on socket: Socket) throws {
    try socket.send("HTTP/1.1 \(status)\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n")
  }
}

/// CPU time of the calling thread in nanoseconds.
func threadCPUTime() -> Int {
  var time = timespec()
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return time.tv_sec * 1_000_000_000 + time.tv_nsec
}
