import Locks

/// Monotonic nanoseconds that count from long before the machine's start, so that what was accepted before it has a time.
package enum SpoolClock {
  /// Ten years.
  private static let offset: UInt64 = 10 * 365 * 86_400 * 1_000_000_000

  @Sendable package static func now() -> UInt64 { MonotonicClock.now() + offset }
}
