/// Times of the ledger as text.
package enum LedgerTime {
  static let nanosecondsPerDay: Int64 = 86_400_000_000_000

  /// Nanoseconds since the Unix epoch as RFC 3339 in UTC, with milliseconds; finer parts are cut off.
  package static func text(_ nanoseconds: Int64) -> String {
    let day = day(of: nanoseconds)
    let milliseconds = (nanoseconds - day * nanosecondsPerDay) / 1_000_000
    let (seconds, fraction) = milliseconds.quotientAndRemainder(dividingBy: 1000)
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60)
    return "\(date(day))T\(digits(hour, 2)):\(digits(minute, 2)):\(digits(second, 2)).\(digits(fraction, 3))Z"
  }

  /// The number of a time's day in UTC, since the Unix epoch.
  package static func day(of nanoseconds: Int64) -> Int64 {
    let (day, rest) = nanoseconds.quotientAndRemainder(dividingBy: nanosecondsPerDay)
    return rest < 0 ? day - 1 : day
  }

  /// A day by its number, as in `2026-11-21`.
  package static func date(_ day: Int64) -> String {
    // Eras of 400 years that begin in March, so that a leap day ends a year.
    let shifted = day + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let month = (5 * dayOfYear + 2) / 153
    let year = yearOfEra + era * 400 + (month >= 10 ? 1 : 0)
    let dayOfMonth = dayOfYear - (153 * month + 2) / 5 + 1
    return "\(digits(year, 4))-\(digits(month < 10 ? month + 3 : month - 9, 2))-\(digits(dayOfMonth, 2))"
  }

  private static func digits(_ number: Int64, _ count: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, count - text.count)) + text
  }
}
