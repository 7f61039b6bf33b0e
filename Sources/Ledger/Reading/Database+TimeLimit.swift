import CSQLite
import Locks

/// When a connection's questions have to be answered.
final class TimeLimit {
  /// By the monotonic clock.
  fileprivate(set) var deadline = UInt64.max
}

extension Database {
  /// Steps of SQLite's machine between two looks at the clock: some ten microseconds.
  private static let stepsBetweenLooks: Int32 = 1000

  /// Has what runs after so long end with SQLITE_INTERRUPT, counted from now. To be set anew for each question.
  func setTimeLimit(_ limit: Duration) {
    let (deadline, isNever) = MonotonicClock.now().addingReportingOverflow(limit.nanoseconds)
    timeLimit.deadline = isNever ? .max : deadline
    sqlite3_progress_handler(
      handle, Self.stepsBetweenLooks,
      { limit in
        guard let limit else { return 0 }
        let deadline = Unmanaged<TimeLimit>.fromOpaque(limit).takeUnretainedValue().deadline
        return MonotonicClock.now() > deadline ? 1 : 0
      }, Unmanaged.passUnretained(timeLimit).toOpaque())
  }

  /// Runs something that ends with SQLITE_INTERRUPT once `isWanted` says no. Takes a time limit's place.
  func interruptible(
    while isWanted: () -> Bool, _ body: () throws(LedgerError) -> Void
  ) throws(LedgerError) {
    let result = withoutActuallyEscaping(isWanted) { isWanted in
      withUnsafePointer(to: isWanted) { isWanted in
        sqlite3_progress_handler(
          handle, Self.stepsBetweenLooks,
          { $0?.assumingMemoryBound(to: (() -> Bool).self).pointee() ?? true ? 0 : 1 },
          UnsafeMutableRawPointer(mutating: UnsafeRawPointer(isWanted)))
        defer { sqlite3_progress_handler(handle, 0, nil, nil) }
        return Result { () throws(LedgerError) in try body() }
      }
    }
    try result.get()
  }
}
