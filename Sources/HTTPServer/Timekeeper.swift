import Locks

/// A thread that looks at all connections now and then and ends those that take too long.
///
/// One look at thousands of connections takes some milliseconds, and costs the requests nothing but the notes that
/// `ConnectionClock` takes; a timer for each connection would have to be set anew with each piece of a body.
final class Timekeeper: Sendable {
  private let core: ServerCore
  private let thread = Locked<RepeatingThread?>(nil)

  init(core: ServerCore) {
    self.core = core
  }

  /// Starts looking at the connections of these workers, if there is a timeout at all.
  func start(workers: [Worker]) {
    guard let interval = core.configuration.timeouts.interval else { return }
    let thread = RepeatingThread(name: "http-timeouts", every: interval) {
      let now = MonotonicClock.now()
      for worker in workers { worker.checkClocks(at: now) }
    }
    self.thread.withLock { $0 = thread }
  }

  func stop() {
    thread.withLock { $0.take() }?.stop()
  }
}
