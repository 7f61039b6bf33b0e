import EndUser
import Locks
import OTLP
import SelfTelemetry

/// A line in the log for each resolved trace, and only a count of those beyond what a person can read.
final class ResolutionLog: Sendable {
  private struct Second {
    var start: UInt64 = 0
    var told = 0
    var skipped = 0
  }

  private static let linesPerSecond = 50
  private let log: Log
  private let clock: @Sendable () -> UInt64
  private let second = Locked(Second())

  /// - Parameters:
  ///   - log: takes the lines.
  ///   - clock: monotonic nanoseconds.
  init(_ log: Log, clock: @escaping @Sendable () -> UInt64 = MonotonicClock.now) {
    self.log = log
    self.clock = clock
  }

  func tell(_ resolution: Resolution) {
    let now = clock()
    let (tells, skipped) = second.withLock { second in
      var skipped = 0
      if now >= second.start + 1_000_000_000 {
        skipped = second.skipped
        second = Second(start: now)
      }
      second.told += 1
      if second.told > Self.linesPerSecond { second.skipped += 1 }
      return (second.told <= Self.linesPerSecond, skipped)
    }
    tell(skipped: skipped)
    guard tells else { return }
    let waited = "\(resolution.waited / 1_000_000_000).\(Self.milliseconds(resolution.waited))s"
    if let endUser = resolution.endUser {
      log.info(
        "trace resolved",
        [
          "trace_id": resolution.traceID.hexadecimal, "end_user": endUser, "session": resolution.session ?? "-",
          "spans": String(resolution.spans), "waited": waited,
        ])
    } else {
      log.info(
        "trace unattributed",
        [
          "trace_id": resolution.traceID.hexadecimal, "reason": resolution.unattributed?.rawValue ?? "-",
          "session": resolution.session ?? "-", "spans": String(resolution.spans), "waited": waited,
        ])
    }
  }

  /// Tells what is left to tell, at the end.
  func finish() {
    tell(
      skipped: second.withLock { second in
        defer { second.skipped = 0 }
        return second.skipped
      })
  }

  private func tell(skipped: Int) {
    if skipped > 0 { log.info("more traces resolved", ["traces": String(skipped)]) }
  }

  private static func milliseconds(_ nanoseconds: UInt64) -> String {
    let digits = String(nanoseconds / 1_000_000 % 1000)
    return String(repeating: "0", count: 3 - digits.count) + digits
  }
}
