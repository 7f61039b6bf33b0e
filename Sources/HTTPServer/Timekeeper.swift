import Locks

/// A thread that looks at all connections now and then and ends those that take too long.
///
/// One look at thousands of connections takes some milliseconds, and costs the requests nothing but the notes that
/// `ConnectionClock` takes; a timer for each connection would have to be set anew with each piece of a body.
final class Timekeeper: Sendable {
  private let core: ServerCore
  private let isStopping = Locked(false)
  private let alarm = Lock()
  private let thread = Locked<BackgroundThread?>(nil)

  init(core: ServerCore) {
    self.core = core
  }

  /// Starts looking at the connections of these workers, if there is a timeout at all.
  func start(workers: [Worker]) {
    guard let interval = core.configuration.timeouts.interval else { return }
    thread.withLock { $0 = BackgroundThread(name: "http-timeouts") { [self] in run(workers, every: interval) } }
  }

  func stop() {
    alarm.withLock {
      isStopping.withLock { $0 = true }
      alarm.wakeAll()
    }
    thread.withLock { $0.take() }?.join()
  }

  private func run(_ workers: [Worker], every interval: UInt64) {
    while true {
      let isStopping = alarm.withLock {
        let deadline = MonotonicClock.now() + interval
        while !self.isStopping.withLock({ $0 }), alarm.wait(until: deadline) {}
        return self.isStopping.withLock { $0 }
      }
      if isStopping { return }
      let now = MonotonicClock.now()
      for worker in workers { worker.checkClocks(at: now) }
    }
  }
}
