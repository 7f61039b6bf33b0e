import CHTTPServer
import Synchronization

/// A request that has been read in full and waits for its reply.
package final class HTTPRequest: @unchecked Sendable {
  // Sendable: the worker's thread writes `body` and `reading` before the handler sees the request, which then owns the
  // body; `discarded` and `isComplete` are that thread's alone; `response` is published by `progress`.

  /// Method, path and headers. Only to be touched while `HTTPHandler.handle` runs: what lasts longer has to be copied.
  package let head: HTTPRequestHead

  /// What the handler's decision gave it.
  package let note: (any AnyObject & Sendable)?

  let connection: OpaquePointer
  let clock: ConnectionClock
  private let worker: Worker
  private var body: PooledBuffer?

  /// What is done with the bytes of the body that come in.
  var reading: Reading
  /// Bytes of the body that have been thrown away.
  var discarded = 0
  /// Whether the body's end has been seen.
  var isComplete = false

  private let progress = Atomic<Progress>(.handling)
  private var response: HTTPResponse?

  enum Reading {
    case receiving(limit: Int, note: (any AnyObject & Sendable)?)
    case discarding(thenSending: HTTPResponse)
    /// The reply is on its way before the body has been read.
    case answering(HTTPResponse)
  }

  /// Where the reply stands. `suspended` is entered and left under the lock of the worker's table.
  enum Progress: UInt8, AtomicRepresentable {
    /// The handler may still be running on the worker's thread.
    case handling
    /// The connection is out of the worker's event loop until it is resumed.
    case suspended
    /// `response` is there; the worker's thread sends it.
    case answered
    /// The server has given the request up: a reply comes too late.
    case abandoned
  }

  init(
    head: HTTPRequestHead, connection: OpaquePointer, clock: ConnectionClock, worker: Worker, reading: Reading
  ) {
    self.head = head
    if case .receiving(_, let note) = reading { self.note = note } else { note = nil }
    self.connection = connection
    self.clock = clock
    self.worker = worker
    self.reading = reading
  }

  /// Buffers for what a handler makes of the body.
  package var pool: BufferPool { worker.core.pool }

  /// Hands over the body. Its memory is used again when the last reference to it is gone; a body that nobody takes
  /// goes with the request object. A second call returns an empty buffer. Not to be called on several threads at once.
  package func takeBody() -> PooledBuffer { body.take() ?? pool.makeBuffer() }

  /// Sends the reply. To be called exactly once, from any thread, during `HTTPHandler.handle` or later. When the
  /// client has gone away or the server has been stopped in the meantime, nothing happens.
  package func respond(_ response: HTTPResponse) {
    precondition(self.response == nil, "a request is answered once")
    self.response = response
    let inHandler = progress.compareExchange(
      expected: .handling, desired: .answered, ordering: .acquiringAndReleasing
    ).exchanged
    if !inHandler { worker.resume(self) }
  }

  // MARK: - For the worker

  func append(_ bytes: UnsafeRawBufferPointer) {
    let buffer = body ?? pool.makeBuffer()
    buffer.append(bytes, expecting: head.contentLength)
    body = buffer
  }

  var receivedCount: Int { body?.count ?? 0 }

  func dropBody() {
    body = nil
  }

  /// The reply, if there is one and it is not too late for it.
  var answer: HTTPResponse? { progress.load(ordering: .acquiring) == .answered ? response : nil }

  var isAbandoned: Bool { progress.load(ordering: .acquiring) == .abandoned }

  /// Moves on from `handling`, unless the reply has come meanwhile.
  func leaveHandling(for next: Progress) -> Bool {
    progress.compareExchange(expected: .handling, desired: next, ordering: .acquiringAndReleasing).exchanged
  }

  /// Moves on from `suspended`, under the lock of the worker's table.
  func leaveSuspended(for next: Progress) {
    progress.store(next, ordering: .releasing)
  }
}
