import CCurl
import Glibc
import Locks

/// Sends requests over connections that are kept alive, on one thread of its own.
///
/// Whoever starts a client stops it: its thread lives until then.
package final class HTTPClient: @unchecked Sendable {
  // Sendable: `waiting`, `isStopped` and `thread` are touched under `lock`; `active` and `idle` by the client's thread
  // only; of `multi`, other threads use the one function that is made for that.
  private let configuration: HTTPClientConfiguration
  private let threadName: String
  private let multi: OpaquePointer
  private let lock = Lock()
  private var waiting: [Transfer] = []
  private var isStopped = false
  private var thread: BackgroundThread?

  private var active: [OpaquePointer: Transfer] = [:]
  private var idle: [OpaquePointer] = []

  private static let isLibraryReady = ccurl_initialize()

  /// A client that has not started.
  ///
  /// - Parameters:
  ///   - configuration: what holds for every request.
  ///   - name: of the thread.
  /// - Throws: `HTTPClientError` when the configuration cannot work.
  package init(_ configuration: HTTPClientConfiguration, name: String = "http-client") throws(HTTPClientError) {
    try configuration.check()
    guard Self.isLibraryReady, let multi = ccurl_multi_create(configuration.maxInFlight) else {
      throw HTTPClientError("libcurl cannot be set up")
    }
    self.configuration = configuration
    self.multi = multi
    threadName = name
  }

  deinit {
    ccurl_multi_destroy(multi)
  }

  /// Starts the client's thread. Called once.
  package func start() {
    lock.withLock { thread = BackgroundThread(name: threadName) { self.run() } }
  }

  /// Sends a request, as soon as the client has started; returns at once.
  ///
  /// - Parameters:
  ///   - request: its body is read while it is under way.
  ///   - completion: called once, on the client's thread (on the caller's after a stop). It must not wait.
  package func send(
    _ request: HTTPRequest, completion: @escaping @Sendable (Result<HTTPResponse, HTTPClientError>) -> Void
  ) {
    let transfer = Transfer(request, responseLimit: configuration.responseLimit, completion: completion)
    let isTaken = lock.withLock {
      guard !isStopped else { return false }
      waiting.append(transfer)
      ccurl_multi_wake(multi)
      return true
    }
    if !isTaken { transfer.fail(.stopped) }
  }

  /// Ends everything under way with `HTTPClientError.stopped` and returns when that is done. Not to be called from a
  /// completion.
  package func stop() {
    let thread = lock.withLock {
      isStopped = true
      ccurl_multi_wake(multi)
      defer { self.thread = nil }
      return self.thread
    }
    if let thread { thread.join() } else { endAll(with: .stopped) }
  }

  // What follows runs on the client's thread.

  private func run() {
    Self.blockBrokenPipeSignal()
    while beginWaiting() {
      if let failure = ccurl_multi_perform(multi) {
        endAll(with: HTTPClientError(String(cString: failure)))
      }
      // An ended transfer may have made room for another: then there is no time to wait.
      if !collectEnded() { ccurl_multi_poll(multi, 60_000) }
    }
    endAll(with: .stopped)
    for handle in idle { ccurl_transfer_destroy(handle) }
  }

  /// TLS libraries write with plain `write`. A signal of that kind goes to the thread that wrote.
  private static func blockBrokenPipeSignal() {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGPIPE)
    pthread_sigmask(SIG_BLOCK, &signals, nil)
  }

  /// Begins what may begin. False when the client has been stopped.
  private func beginWaiting() -> Bool {
    let (begun, isStopped) = lock.withLock {
      let room = min(waiting.count, max(configuration.maxInFlight - active.count, 0))
      let begun = Array(waiting.prefix(room))
      waiting.removeFirst(room)
      return (begun, self.isStopped)
    }
    for transfer in begun {
      do throws(HTTPClientError) {
        try begin(transfer)
      } catch {
        transfer.fail(error)
      }
    }
    return !isStopped
  }

  private func begin(_ transfer: Transfer) throws(HTTPClientError) {
    guard let handle = idle.popLast() ?? ccurl_transfer_create() else { throw HTTPClientError("out of memory") }
    do throws(HTTPClientError) {
      try transfer.prepare(handle, configuration)
      if let failure = ccurl_multi_add(multi, handle) { throw HTTPClientError(String(cString: failure)) }
      active[handle] = transfer
    } catch {
      idle.append(handle)
      throw error
    }
  }

  private func collectEnded() -> Bool {
    var result: Int32 = 0
    var didEnd = false
    while let handle = ccurl_multi_next_ended(multi, &result) {
      ccurl_multi_remove(multi, handle)
      active.removeValue(forKey: handle)?.end(handle, result: result)
      idle.append(handle)
      didEnd = true
    }
    return didEnd
  }

  private func endAll(with error: HTTPClientError) {
    let unsent = lock.withLock {
      defer { waiting = [] }
      return waiting
    }
    for (handle, transfer) in active {
      ccurl_multi_remove(multi, handle)
      idle.append(handle)
      transfer.fail(error)
    }
    active = [:]
    for transfer in unsent { transfer.fail(error) }
  }
}
