import Filters
import Glibc

/// A point in time, in nanoseconds since the Unix epoch.
struct Moment: Equatable, Comparable {
  let nanoseconds: Int64

  init(nanoseconds: Int64) {
    self.nanoseconds = nanoseconds
  }

  /// RFC 3339, or a date, which is its midnight in UTC; nil for anything else.
  init?(_ text: String) {
    guard let nanoseconds = Filter.time(text) else { return nil }
    self.nanoseconds = nanoseconds
  }

  static func now() -> Moment {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Moment(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
  }

  /// A span back from here, such as `7d` or `1h30m`; nil for anything else.
  func before(_ span: String) -> Moment? {
    guard let nanoseconds = Filter.duration(span), nanoseconds >= 0 else { return nil }
    let (moment, isTooFar) = self.nanoseconds.subtractingReportingOverflow(nanoseconds)
    return isTooFar ? nil : Moment(nanoseconds: moment)
  }

  static func < (one: Moment, other: Moment) -> Bool { one.nanoseconds < other.nanoseconds }

  /// RFC 3339 in UTC, as fine as it is.
  var text: String {
    let (day, time, fraction) = parts
    guard fraction > 0 else { return "\(day)T\(time)Z" }
    var digits = Self.padded(fraction, 9)
    while digits.hasSuffix("0") { digits.removeLast() }
    return "\(day)T\(time).\(digits)Z"
  }

  /// For a person, in UTC: `2026-11-21 10:00:00`.
  var spoken: String { "\(parts.day) \(parts.time)" }

  /// How long before `now` that was: `12 s ago`, `5 m ago`, `3 h ago`, `2 d ago`, then the day. What is to come says when.
  func ago(_ now: Moment) -> String {
    // A sender's clock may be a little ahead.
    let seconds = (now.nanoseconds / 1_000_000_000) - (nanoseconds / 1_000_000_000)
    switch seconds {
    case ..<(-60): return spoken
    case ..<1: return "now"
    case ..<60: return "\(seconds) s ago"
    case ..<3600: return "\(seconds / 60) m ago"
    case ..<172_800: return "\(seconds / 3600) h ago"
    case ..<2_592_000: return "\(seconds / 86_400) d ago"
    default: return parts.day
    }
  }

  private var parts: (day: String, time: String, fraction: Int64) {
    var (seconds, fraction) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    if fraction < 0 {
      seconds -= 1
      fraction += 1_000_000_000
    }
    var time = time_t(seconds)
    var parts = tm()
    gmtime_r(&time, &parts)
    let day = [Int64(parts.tm_mon) + 1, Int64(parts.tm_mday)].map { Self.padded($0, 2) }
    let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map { Self.padded(Int64($0), 2) }
    let year = Self.padded(Int64(parts.tm_year) + 1900, 4)
    return ("\(year)-\(day[0])-\(day[1])", clock.joined(separator: ":"), fraction)
  }

  private static func padded(_ value: Int64, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
