import CCurl
import Glibc
import Locks

/// Sends requests over connections that are kept alive, on one thread of its own.
///
/// Whoever starts a client stops it: its thread lives until then.
package final class HTTPClient: @unchecked Sendable {
  // Sendable: `waiting`, `isStopped` and `thread` are touched under `lock`; `active` and what stands behind it, by the
  // client's thread only; of `multi`, other threads use the one function that is made for that.
  private let configuration: HTTPClientConfiguration
  private let threadName: String
  private let multi: OpaquePointer
  private let lock = Lock()
  private var waiting: [Transfer] = []
  private var isStopped = false
  private var thread: BackgroundThread?

  private var active: [OpaquePointer: Transfer] = [:]
  private var idle: [OpaquePointer] = []
  /// Whether there was ever a connection to join.
  private var hasOpened = false
  /// When the last answer came, in monotonic nanoseconds.
  private var lastAnswer: UInt64 = 0
  private let progress = Transfer.Progress()
  /// Rounds in a row in which not a byte of a body was moved.
  private var idleRounds = 0

  /// libcurl 7.88 does not wait while a server lets it send no more of a stream: it would ask the system without a pause
  /// whether the socket can be written. After so many such rounds, each is followed by a pause, in microseconds.
  private static let idleRoundLimit = 16
  private static let idlePause: UInt32 = 2000

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
    let transfer = Transfer(
      request, responseLimit: configuration.responseLimit, progress: progress, completion: completion)
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
      let before = progress.count
      if let failure = ccurl_multi_perform(multi) {
        endAll(with: HTTPClientError(String(cString: failure)))
      }
      // An ended transfer may have made room for another: then there is no time to wait.
      if collectEnded() {
        idleRounds = 0
      } else {
        idleRounds = progress.count == before ? idleRounds + 1 : 0
        if idleRounds > Self.idleRoundLimit { usleep(Self.idlePause) }
        ccurl_multi_poll(multi, 60_000)
      }
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

  private func begin(_ transfer: Transfer, opensConnection: Bool = false) throws(HTTPClientError) {
    guard let handle = idle.popLast() ?? ccurl_transfer_create() else { throw HTTPClientError("out of memory") }
    do throws(HTTPClientError) {
      try transfer.prepare(handle, configuration, way: way(of: transfer, opensConnection: opensConnection))
      if let failure = ccurl_multi_add(multi, handle) { throw HTTPClientError(String(cString: failure)) }
      active[handle] = transfer
    } catch {
      idle.append(handle)
      throw error
    }
  }

  /// Which connection a transfer goes over: the first opens one, and all join it. What finds none to join opens another.
  private func way(of transfer: Transfer, opensConnection: Bool) -> ccurl_way {
    guard configuration.version == .http2 else { return CCURL_HTTP1 }
    guard transfer.request.url.scheme == "http" else { return CCURL_HTTP2_TLS }
    guard opensConnection || !hasOpened else { return CCURL_HTTP2_JOINING }
    hasOpened = true
    return CCURL_HTTP2_OPENING
  }

  private func collectEnded() -> Bool {
    var result: Int32 = 0
    var didEnd = false
    var unconnected: [Transfer] = []
    while let handle = ccurl_multi_next_ended(multi, &result) {
      if let transfer = active.removeValue(forKey: handle) {
        if ccurl_transfer_lacked_connection(handle) {
          unconnected.append(transfer)
        } else {
          end(transfer, handle, result)
        }
      }
      ccurl_multi_remove(multi, handle)
      idle.append(handle)
      didEnd = true
    }
    for (place, transfer) in unconnected.enumerated() {
      do throws(HTTPClientError) {
        try begin(transfer, opensConnection: place == 0)
      } catch {
        transfer.fail(error)
      }
    }
    return didEnd
  }

  private func end(_ transfer: Transfer, _ handle: OpaquePointer, _ result: Int32) {
    if configuration.version == .http2, ccurl_is_timeout(result), lastAnswer < transfer.start {
      // Nobody has heard of the server since. Over HTTP/1.1 the connection would end with its request; this one is shared,
      // and would be used on and on, also if what answers it is gone and a new one would be answered.
      ccurl_transfer_cut_connection(handle)
    } else if result == 0 {
      lastAnswer = MonotonicClock.now()
    }
    transfer.end(handle, result: result, version: configuration.version)
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
