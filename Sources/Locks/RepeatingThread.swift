/// A thread that does the same thing again and again, until it is told to stop.
package final class RepeatingThread: Sendable {
  private let alarm: Alarm
  private let thread: BackgroundThread

  /// Starts with the first pause.
  ///
  /// - Parameters:
  ///   - name: see `BackgroundThread`.
  ///   - interval: nanoseconds of the pause before each time.
  ///   - body: what is done. It keeps what it captures until `stop`.
  package init(name: String, every interval: UInt64, _ body: @escaping @Sendable () -> Void) {
    let alarm = Alarm()
    self.alarm = alarm
    thread = BackgroundThread(name: name) {
      while alarm.pause(interval) { body() }
    }
  }

  /// Waits for a body under way, and has none follow. Only the owner may call it, and not from the body.
  package func stop() {
    alarm.ring()
    thread.join()
  }

  private final class Alarm: Sendable {
    private let lock = Lock()
    private let hasRung = Locked(false)

    /// - Returns: false once it has rung.
    func pause(_ interval: UInt64) -> Bool {
      lock.withLock {
        let deadline = MonotonicClock.now() + interval
        while !hasRung.withLock({ $0 }), lock.wait(until: deadline) {}
        return !hasRung.withLock { $0 }
      }
    }

    func ring() {
      lock.withLock {
        hasRung.withLock { $0 = true }
        lock.wakeAll()
      }
    }
  }
}
