import Glibc

/// Time that only moves forward. Every wait and deadline of the collector runs on it; span times are only data.
package enum MonotonicClock {
  /// Nanoseconds since an arbitrary moment of this boot.
  @inline(__always)
  package static func now() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }
}

extension Duration {
  /// The duration in whole nanoseconds: 0 when negative, the largest representable number when out of range.
  package var nanoseconds: UInt64 {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    let whole = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
    let sum = whole.partialValue.addingReportingOverflow(UInt64(attoseconds / 1_000_000_000))
    return whole.overflow || sum.overflow ? .max : sum.partialValue
  }
}
