import CSQLite
import Glibc
import Locks

/// How long a connection waits for another one's lock: some seconds, and no longer than its ledger may take to stop.
final class LockPatience {
  private let deadline: @Sendable () -> UInt64
  private var start: UInt64 = 0
  private static let longest = Duration.seconds(5).nanoseconds

  /// - Parameter deadline: in monotonic nanoseconds; asked all the time.
  init(until deadline: @escaping @Sendable () -> UInt64) {
    self.deadline = deadline
  }

  /// Waits for a moment; false when that was long enough. `count`: how often it has waited for the same lock.
  fileprivate func wait(_ count: Int32) -> Bool {
    let now = MonotonicClock.now()
    if count == 0 { start = now }
    guard now < min(start + Self.longest, deadline()) else { return false }
    usleep(1000 * UInt32(min(count + 1, 20)))
    return true
  }
}

extension Database {
  /// Takes the place of `busyTimeout`. The patience must live as long as the connection.
  func wait(with patience: LockPatience) {
    sqlite3_busy_handler(
      handle,
      { patience, count in
        guard let patience else { return 0 }
        return Unmanaged<LockPatience>.fromOpaque(patience).takeUnretainedValue().wait(count) ? 1 : 0
      }, Unmanaged.passUnretained(patience).toOpaque())
  }
}
