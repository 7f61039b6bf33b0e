import Locks

/// `retry_on_failure` of an exporter, with the Collector's keys and defaults.
package struct RetryConfiguration: Sendable, Equatable {
  package var enabled = true
  package var initialInterval = Duration.seconds(5)
  /// How far a wait strays from its interval, as a share of it, to keep clients from coming back in step.
  package var randomizationFactor = 0.5
  package var multiplier = 1.5
  package var maxInterval = Duration.seconds(30)
  /// A request is given up when its next attempt would begin later than this after its first; zero for never. Nil: after
  /// five minutes, or never for a request that can be stored.
  package var maxElapsedTime: Duration?

  package init() {}
}

/// The waits of one request between its attempts.
package struct Backoff: Sendable {
  private let configuration: RetryConfiguration
  private let start: UInt64
  private static let defaultElapsedTime = Duration.seconds(300)
  // In nanoseconds, as a number that can grow past any of the limits.
  private var interval: Double

  /// Begins with the first attempt, at `now` in monotonic nanoseconds.
  package init(_ configuration: RetryConfiguration, now: UInt64) {
    self.configuration = configuration
    start = now
    interval = Double(configuration.initialInterval.nanoseconds)
  }

  /// The moment of the next attempt, after one that failed at `now`.
  ///
  /// - Parameters:
  ///   - now: monotonic nanoseconds.
  ///   - random: from 0 to 1, which decides where in the interval's spread the wait falls.
  ///   - atLeast: nanoseconds that the server asked to be left alone for.
  /// - Returns: monotonic nanoseconds, or nil when the request is to be given up.
  package mutating func nextAttempt(now: UInt64, random: Double, atLeast: UInt64 = 0) -> UInt64? {
    guard configuration.enabled else { return nil }
    let spread = configuration.randomizationFactor * interval
    let wait = max(interval - spread + random * 2 * spread, 0)
    interval = min(interval * configuration.multiplier, Double(configuration.maxInterval.nanoseconds))

    let next = Self.later(now, by: max(UInt64(exactly: wait.rounded()) ?? .max, atLeast))
    let limit = (configuration.maxElapsedTime ?? Self.defaultElapsedTime).nanoseconds
    return limit == 0 || next <= Self.later(start, by: limit) ? next : nil
  }

  private static func later(_ moment: UInt64, by wait: UInt64) -> UInt64 {
    let (sum, overflow) = moment.addingReportingOverflow(wait)
    return overflow ? .max : sum
  }
}
