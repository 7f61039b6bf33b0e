import Locks

/// Runs one reload after another on a thread of its own. However many are wanted during one, they are one more.
final class Reloader: @unchecked Sendable {
  // Sendable: the mutable properties are touched only under `lock`, but `thread`, which belongs to who starts and stops.

  /// How a reload left the collector.
  enum Outcome {
    case running
    /// Nothing runs: to be mended soon.
    case broken
  }

  private let reload: @Sendable () -> Outcome
  private let mend: @Sendable () -> Outcome
  private let mendingInterval: UInt64
  private let lock = Lock()
  private var isWanted = false
  private var isStopping = false
  private var thread: BackgroundThread?

  /// - Parameters:
  ///   - mendingInterval: time between two calls of `mend`.
  ///   - reload: what is wanted.
  ///   - mend: called while nothing runs.
  init(
    mendingInterval: Duration = .seconds(1), reload: @escaping @Sendable () -> Outcome,
    mend: @escaping @Sendable () -> Outcome
  ) {
    self.mendingInterval = mendingInterval.nanoseconds
    self.reload = reload
    self.mend = mend
  }

  func start() {
    thread = BackgroundThread(name: "reload") { [self] in run() }
  }

  /// Asks for a reload.
  func request() {
    lock.withLock {
      isWanted = true
      lock.wakeAll()
    }
  }

  /// Waits for a reload under way, and ends the thread.
  func stop() {
    lock.withLock {
      isStopping = true
      lock.wakeAll()
    }
    thread?.join()
  }

  private func run() {
    var outcome = Outcome.running
    while let isReload = next(outcome) { outcome = isReload ? reload() : mend() }
  }

  /// Waits for something to do: true for a reload, false for mending, nil at the end.
  private func next(_ outcome: Outcome) -> Bool? {
    lock.withLock {
      let mendingTime = outcome == .broken ? MonotonicClock.now() + mendingInterval : nil
      while true {
        if isStopping { return nil }
        if isWanted {
          isWanted = false
          return true
        }
        if !lock.wait(until: mendingTime) { return false }
      }
    }
  }
}
