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

  /// Requests whose connections are suspended. Suspending, resuming and giving up happen under its lock, so that
  /// `stop` misses none.
  private let suspended = Locked<[ObjectIdentifier: HTTPRequest]>([:])

  init(core: ServerCore) {
    self.core = core
  }

  /// Connections it has now.
  var openConnections: Int { open.load(ordering: .relaxed) }

  func start() throws(HTTPServerError) {
    var options = chttp_worker_options(
      connection_limit: UInt32(clamping: core.configuration.maxConnections),
      idle_timeout: UInt32(clamping: core.configuration.idleTimeout),
      connection_memory: core.configuration.connectionMemory)
    var callbacks = chttp_callbacks(
      head: { worker, connection, method, path in
        guard let connection, let method, let path else { return nil }
        let request = Worker.from(worker).begin(connection, method: method, path: path)
        return Unmanaged.passRetained(request).toOpaque()
      },
      body: { worker, request, bytes, count in
        Worker.from(worker).read(UnsafeRawBufferPointer(start: bytes, count: count), of: Worker.request(request))
      },
      complete: { worker, request in Worker.from(worker).complete(Worker.request(request)) },
      end: { worker, request in
        guard let request else { return }
        Worker.from(worker).end(Unmanaged<HTTPRequest>.fromOpaque(request).takeRetainedValue())
      },
      closed: { worker in Worker.from(worker).connectionClosed() })
    guard let started = chttp_worker_start(&options, &callbacks, Unmanaged.passUnretained(self).toOpaque()) else {
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

  private func connectionClosed() {
    open.subtract(1, ordering: .relaxed)
    core.openConnections.subtract(1, ordering: .relaxed)
  }

  // MARK: - A request's way, on the daemon's thread

  private func begin(
    _ connection: OpaquePointer, method: UnsafePointer<CChar>, path: UnsafePointer<CChar>
  ) -> HTTPRequest {
    let announced = Int(chttp_content_length(connection))
    let head = HTTPRequestHead(
      connection: connection, method: method, path: path,
      contentLength: announced == CHTTP_CHUNKED ? nil : max(announced, 0))

    let reading: HTTPRequest.Reading
    if announced == CHTTP_CONTRADICTORY {
      reading = answerEarly(connection, core.handler.reply(to: .contradictoryLength))
    } else if announced == CHTTP_UNKNOWN_CODING {
      reading = answerEarly(connection, core.handler.reply(to: .unknownTransferCoding))
    } else {
      let decision = core.handler.decide(head)
      switch core.hasRoomForBodies ? decision : decision.refused(by: core.handler) {
      case .receive(let limit, let tooLarge):
        reading =
          announced > limit
          ? answerEarly(connection, tooLarge) : .receiving(limit: limit, tooLarge: tooLarge)
      case .reject(let response):
        let isUnwelcome = announced > Worker.discardLimit || (announced != 0 && chttp_expects_continue(connection))
        reading = isUnwelcome ? answerEarly(connection, response) : .discarding(thenSending: response)
      }
    }
    core.requestBegan()
    return HTTPRequest(head: head, connection: connection, worker: self, reading: reading)
  }

  /// Replies without reading the body. libmicrohttpd closes the connection after such a reply.
  private func answerEarly(_ connection: OpaquePointer, _ response: HTTPResponse) -> HTTPRequest.Reading {
    // Refused only while the daemon is being stopped; then the connection is about to be closed.
    _ = chttp_reply(connection, UInt32(response.status), response.handle)
    return .answered
  }

  private func read(_ bytes: UnsafeRawBufferPointer, of request: HTTPRequest) -> Bool {
    if case .receiving(let limit, let tooLarge) = request.reading {
      let fits = request.receivedCount + bytes.count <= limit
      if fits, core.hasRoomForBodies {
        request.append(bytes)
        return true
      }
      request.dropBody()
      request.reading = .discarding(thenSending: fits ? core.handler.reply(to: .tooManyBodies) : tooLarge)
    }
    request.discarded += bytes.count
    return request.discarded <= Worker.discardLimit
  }

  private func complete(_ request: HTTPRequest) -> Bool {
    if !request.isComplete {
      request.isComplete = true
      switch request.reading {
      case .discarding(let response): return send(response, to: request)
      case .receiving: core.handler.handle(request)
      case .answered: return false
      }
    }
    if let response = request.answer { return send(response, to: request) }
    return !request.isAbandoned && suspend(request)
  }

  private func send(_ response: HTTPResponse, to request: HTTPRequest) -> Bool {
    let response = core.isDraining ? response.closing() : response
    return chttp_reply(request.connection, UInt32(response.status), response.handle)
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
    core.requestEnded()
  }

  // MARK: - From any thread

  /// Has a suspended request's reply sent, unless the server has given the request up.
  func resume(_ request: HTTPRequest) {
    suspended.withLock { requests in
      guard requests.removeValue(forKey: ObjectIdentifier(request)) != nil else { return }
      request.leaveSuspended(for: .answered)
      chttp_resume(request.connection)
    }
  }

  /// Bytes of a refused body that are read to keep the connection usable, 64 MiB; a sender of more is cut off.
  static let discardLimit = 64 << 20

  private static func from(_ context: UnsafeMutableRawPointer?) -> Worker {
    guard let context else { preconditionFailure("a worker is its daemon's context") }
    return Unmanaged<Worker>.fromOpaque(context).takeUnretainedValue()
  }

  private static func request(_ context: UnsafeMutableRawPointer?) -> HTTPRequest {
    guard let context else { preconditionFailure("body and end come after the head") }
    return Unmanaged<HTTPRequest>.fromOpaque(context).takeUnretainedValue()
  }
}
