import Locks

/// Calls something several times a second until it is stopped.
final class Sweeper: @unchecked Sendable {
  // Sendable: everything is touched under `lock`.
  /// How late a wait may end.
  private static let interval: UInt64 = 50_000_000
  private let lock = Lock()
  private var thread: BackgroundThread?
  private var stopping = false

  func start(_ body: @escaping @Sendable () -> Void) {
    thread = BackgroundThread(name: "sweeper") { [self] in
      while lock.withLock({
        if !stopping { lock.wait(until: MonotonicClock.now() + Self.interval) }
        return !stopping
      }) {
        body()
      }
    }
  }

  func stop() {
    lock.withLock {
      stopping = true
      lock.wakeAll()
    }
    thread?.join()
  }
}
