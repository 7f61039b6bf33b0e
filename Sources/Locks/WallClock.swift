import Glibc

/// The time of day, which jumps: for what is written down, never for waits.
package enum WallClock {
  /// Nanoseconds since the Unix epoch.
  package static func now() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
