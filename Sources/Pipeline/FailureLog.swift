import Locks
package import SelfTelemetry

/// Logs a failure that may repeat for hours: the first at once, then a summary at most every ten seconds, and the
/// recovery.
package final class FailureLog: Sendable {
  private struct State {
    var lastLine: UInt64?
    /// Failures since that line.
    var failures = 0
    var items = 0
    /// Whether the log's last word is that it fails.
    var isAnnounced = false
  }

  private static let interval: UInt64 = 10_000_000_000

  private let message: String
  private let level: Log.Level
  private let exporter: String
  private let itemsKey: String
  private let log: Log
  private let now: @Sendable () -> UInt64
  private let state = Locked(State())

  /// A log of one kind of failure.
  ///
  /// - Parameters:
  ///   - message: says what fails.
  ///   - level: of the lines about failures.
  ///   - exporter: id of the component.
  ///   - itemsKey: what its items are called in the lines.
  ///   - log: where the lines go.
  ///   - now: monotonic nanoseconds.
  package init(
    _ message: String, level: Log.Level = .warn, exporter: String, itemsKey: String = "spans", log: Log,
    now: @escaping @Sendable () -> UInt64 = MonotonicClock.now
  ) {
    self.message = message
    self.level = level
    self.exporter = exporter
    self.itemsKey = itemsKey
    self.log = log
    self.now = now
  }

  /// It failed, for so many items (spans), 0 or more. A sum that no number can tell stays at the largest.
  package func failed(_ reason: String, items: Int) {
    let now = now()
    let report = state.withLock { state -> State? in
      state.failures += 1
      let sum = state.items.addingReportingOverflow(items)
      state.items = sum.overflow ? .max : sum.partialValue
      if let lastLine = state.lastLine, now < lastLine + Self.interval { return nil }
      defer { state = State(lastLine: now, isAnnounced: true) }
      return state
    }
    guard let report else { return }
    log.log(
      level, message,
      [
        "exporter": exporter, "error": reason, "failures": String(report.failures),
        itemsKey: String(report.items),
      ])
  }

  /// It works. Logged once after each line about a failure.
  package func succeeded() {
    let isNews = state.withLock { state in
      defer { state.isAnnounced = false }
      return state.isAnnounced
    }
    if isNews { log.info("works again, after: \(message)", ["exporter": exporter]) }
  }
}
