import CHTTPServer
import Glibc
import Locks
import Synchronization

/// One libmicrohttpd daemon: a thread with an epoll set and the connections it was given.
///
/// Everything that concerns libmicrohttpd's connections happens on that thread. A reply from elsewhere only wakes it
/// up: queueing a response on another thread would race with what the daemon does to the connection after suspending.
final class Worker: Sendable {
  let core: ServerCore
  private let daemon = Locked<OpaquePointer?>(nil)
  private let open = Atomic<Int>(0)

  /// Those connections' clocks, for the timekeeper.
  private let clocks = Locked<[ObjectIdentifier: ConnectionClock]>([:])

  /// Requests whose connections are suspended. Suspending, resuming and giving up happen under its lock, so that
  /// `stop` misses none.
  private let suspended = Locked<[ObjectIdentifier: HTTPRequest]>([:])

  init(core: ServerCore) {
    self.core = core
  }

  /// Connections it has now.
  var openConnections: Int { open.load(ordering: .relaxed) }

  func start() throws(HTTPServerError) {
    var callbacks = chttp_callbacks(
      opened: { worker, connection, socket in Worker.from(worker).connectionOpened(connection, socket) },
      head: { worker, clock, connection, method, path, query in
        guard let clock, let connection, let method, let path else { return nil }
        let known = Unmanaged<ConnectionClock>.fromOpaque(clock).takeUnretainedValue()
        let request = Worker.from(worker).begin(connection, known, method: method, path: path, query: query)
        return request.map { Unmanaged.passRetained($0).toOpaque() }
      },
      body: { worker, request, bytes, count in
        Worker.from(worker).read(UnsafeRawBufferPointer(start: bytes, count: count), of: Worker.request(request))
      },
      complete: { worker, request in Worker.from(worker).complete(Worker.request(request)) },
      end: { worker, request in
        guard let request else { return }
        Worker.from(worker).end(Unmanaged<HTTPRequest>.fromOpaque(request).takeRetainedValue())
      },
      closed: { worker, clock in
        if let clock {
          let known = Unmanaged<ConnectionClock>.fromOpaque(clock).takeRetainedValue()
          Worker.from(worker).forget(known)
        }
        Worker.from(worker).connectionClosed()
      })
    let configuration = core.configuration
    let started = Self.withOptionalCString(configuration.certificate?.priorities) { priorities in
      var options = chttp_worker_options(
        connection_limit: UInt32(clamping: configuration.maxConnections),
        connection_memory: configuration.connectionMemory, tls_priorities: priorities)
      return chttp_worker_start(&options, &callbacks, Unmanaged.passUnretained(self).toOpaque())
    }
    guard let started else {
      throw .outOfResources(reason: String(cString: strerror(errno)))
    }
    daemon.withLock { $0 = started }
  }

  /// Gives up what is still unanswered, closes all connections and ends the thread. `core.isStopping` is set before.
  func stop() {
    suspended.withLock { requests in
      for request in requests.values {
        request.leaveSuspended(for: .abandoned)
        chttp_resume(request.connection)
      }
      requests.removeAll()
    }
    guard let running = daemon.withLock({ $0.take() }) else { return }
    chttp_worker_stop(running)
  }

  /// Takes over a connected socket, whatever becomes of it.
  func add(_ socket: Int32, from address: inout chttp_address) {
    open.add(1, ordering: .relaxed)
    core.openConnections.add(1, ordering: .relaxed)
    let added = daemon.withLock { daemon in daemon.map { chttp_worker_add($0, socket, &address) } }
    if added == nil { close(socket) }
    if added != true { connectionClosed() }
  }

  private func connectionOpened(_ connection: OpaquePointer?, _ socket: Int32) -> UnsafeMutableRawPointer {
    var session: TLSSession?
    if let certificate = core.configuration.certificate, let connection {
      session = TLSSession(connection, certificate.credentials, unencrypted: core.unencrypted)
      // Out of memory; and without credentials no session comes about.
      if session == nil { chttp_cut(socket, true) }
    }
    let clock = ConnectionClock(socket: socket, session: session)
    clocks.withLock { $0[ObjectIdentifier(clock)] = clock }
    return Unmanaged.passRetained(clock).toOpaque()
  }

  private func forget(_ clock: ConnectionClock) {
    if clock.close(), !core.isStopping {
      core.handler.connectionEnded(.handshake)
      // The client may be sending its first request already: it shall see why there is no session.
      let kept = fcntl(clock.socket, F_DUPFD_CLOEXEC, 0)
      if kept >= 0 { core.linger.add(kept) }
    }
    clocks.withLock { $0[ObjectIdentifier(clock)] = nil }
  }

  private func connectionClosed() {
    open.subtract(1, ordering: .relaxed)
    core.openConnections.subtract(1, ordering: .relaxed)
  }

  // MARK: - A request's way, on the daemon's thread

  private func begin(
    _ connection: OpaquePointer, _ clock: ConnectionClock, method: UnsafePointer<CChar>, path: UnsafePointer<CChar>,
    query: UnsafePointer<CChar>?
  ) -> HTTPRequest? {
    guard clock.enter(.body) else { return nil }
    let announced = Int(chttp_content_length(connection))
    let head = HTTPRequestHead(
      connection: connection, method: method, path: path, query: query,
      contentLength: announced == CHTTP_CHUNKED ? nil : max(announced, 0))

    let reading = decide(head, announced, connection)
    switch reading {
    case .receiving: break
    case .discarding(let response): clock.owe(dressed(response, for: head))
    case .answering(let answer):
      // libmicrohttpd closes the connection after a reply without reading the body. The reply is refused only while the
      // daemon is being stopped; then the connection is about to be closed.
      guard clock.enter(.reply) else { return nil }
      let response = dressed(answer, for: head)
      _ = chttp_reply(connection, UInt32(response.status), response.handle)
    }
    core.requestBegan()
    return HTTPRequest(head: head, connection: connection, clock: clock, worker: self, reading: reading)
  }

  /// What becomes of a request with that announced length.
  private func decide(
    _ head: HTTPRequestHead, _ announced: Int, _ connection: OpaquePointer
  ) -> HTTPRequest.Reading {
    if chttp_head_size(connection) > core.configuration.maxHeaderBytes {
      return .answering(core.handler.reply(to: .headersTooLarge, of: head))
    }
    if announced == CHTTP_CONTRADICTORY { return .answering(core.handler.reply(to: .contradictoryLength, of: head)) }
    if announced == CHTTP_UNKNOWN_CODING { return .answering(core.handler.reply(to: .unknownTransferCoding, of: head)) }
    switch core.handler.decide(head) {
    case .receive(let limit, let note):
      if announced > limit { return .answering(core.handler.reply(to: .bodyTooLarge, of: head)) }
      if core.hasRoomForBodies { return .receiving(limit: limit, note: note) }
      return refusing(announced, connection, core.handler.reply(to: .tooManyBodies, of: head))
    case .reject(let response): return refusing(announced, connection, response)
    }
  }

  /// A reply at once spares the client sending a large body, and at the end of a small one the connection.
  private func refusing(
    _ announced: Int, _ connection: OpaquePointer, _ response: HTTPResponse
  ) -> HTTPRequest.Reading {
    let isUnwelcome = announced > Worker.smallBody || (announced != 0 && chttp_expects_continue(connection))
    return isUnwelcome ? .answering(response) : .discarding(thenSending: response)
  }

  private func read(_ bytes: UnsafeRawBufferPointer, of request: HTTPRequest) -> Bool {
    guard request.clock.hear() else { return false }
    if case .receiving(let limit, _) = request.reading {
      let fits = request.receivedCount + bytes.count <= limit
      if fits, core.hasRoomForBodies {
        request.append(bytes)
        return true
      }
      request.dropBody()
      let response = core.handler.reply(to: fits ? .tooManyBodies : .bodyTooLarge, of: request.head)
      request.reading = .discarding(thenSending: response)
      request.clock.owe(dressed(response, for: request.head))
    }
    request.discarded += bytes.count
    if request.discarded <= Worker.discardLimit { return true }
    core.handler.connectionEnded(.endlessBody)
    return false
  }

  private func complete(_ request: HTTPRequest) -> Bool {
    if !request.isComplete {
      request.isComplete = true
      switch request.reading {
      case .discarding(let response): return send(response, to: request)
      case .receiving:
        guard request.clock.enter(.handling) else { return false }
        core.handler.handle(request)
      case .answering: return false
      }
    }
    if let response = request.answer { return send(response, to: request) }
    return !request.isAbandoned && suspend(request)
  }

  private func send(_ response: HTTPResponse, to request: HTTPRequest) -> Bool {
    guard request.clock.enter(.reply) else { return false }
    let response = dressed(response, for: request.head)
    return chttp_reply(request.connection, UInt32(response.status), response.handle)
  }

  /// With what the handler adds to every reply to such a request: mostly nothing, and then the reply itself.
  private func dressed(_ response: HTTPResponse, for head: HTTPRequestHead) -> HTTPResponse {
    let further = core.handler.furtherHeaders(for: head)
    return core.dressed(further.isEmpty ? response : response.adding(further))
  }

  private func suspend(_ request: HTTPRequest) -> Bool {
    suspended.withLock { requests in
      guard !core.isStopping else {
        _ = request.leaveHandling(for: .abandoned)
        return false
      }
      // First suspended, then visible as such: resuming what is not suspended is undefined.
      chttp_suspend(request.connection)
      if request.leaveHandling(for: .suspended) {
        requests[ObjectIdentifier(request)] = request
      } else {
        chttp_resume(request.connection)
      }
      return true
    }
  }

  private func end(_ request: HTTPRequest) {
    if !request.isComplete {
      // The client may still be sending: closing now would have the kernel reset the connection, and the client might
      // never see the reply.
      let socket = chttp_keep_socket(request.connection)
      if socket >= 0 { core.linger.add(socket) }
    }
    // False for a connection that has been ended, which needs nothing more.
    _ = request.clock.enter(.waiting)
    core.requestEnded()
  }

  // MARK: - From any thread

  /// Ends the connections that take too long.
  func checkClocks(at now: UInt64) {
    // A copy, so that nobody waits for the whole round who opens or closes a connection.
    for clock in clocks.withLock({ Array($0.values) }) {
      let reason = clock.check(at: now, core.configuration.timeouts) {
        core.dressed(core.handler.reply(to: .tooSlow, of: nil))
      }
      if let reason { core.handler.connectionEnded(reason) }
    }
  }

  /// Has a suspended request's reply sent, unless the server has given the request up.
  func resume(_ request: HTTPRequest) {
    suspended.withLock { requests in
      guard requests.removeValue(forKey: ObjectIdentifier(request)) != nil else { return }
      request.leaveSuspended(for: .answered)
      chttp_resume(request.connection)
    }
  }

  /// Bytes of a refused body that are read to keep the connection usable, when they are announced: 4 MiB, what SDKs send
  /// at once and more.
  static let smallBody = 4 << 20
  /// Bytes of a refused body that are read when nothing was announced, 64 MiB; a sender of more is cut off.
  static let discardLimit = 64 << 20

  private static func from(_ context: UnsafeMutableRawPointer?) -> Worker {
    guard let context else { preconditionFailure("a worker is its daemon's context") }
    return Unmanaged<Worker>.fromOpaque(context).takeUnretainedValue()
  }

  private static func withOptionalCString<Result>(
    _ text: String?, _ body: (UnsafePointer<CChar>?) -> Result
  ) -> Result {
    guard let text else { return body(nil) }
    return text.withCString(body)
  }

  private static func request(_ context: UnsafeMutableRawPointer?) -> HTTPRequest {
    guard let context else { preconditionFailure("body and end come after the head") }
    return Unmanaged<HTTPRequest>.fromOpaque(context).takeUnretainedValue()
  }
}
