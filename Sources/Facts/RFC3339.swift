/// Reads times as RFC 3339 writes them, or a date, which is its midnight in UTC.
package struct RFC3339 {
  private var rest: Substring.UTF8View

  /// Nanoseconds since the Unix epoch; nil for what is no such text.
  package static func nanoseconds(of text: String) -> Int128? {
    var reader = RFC3339(rest: Substring(text).utf8)
    guard let nanoseconds = reader.read(), reader.rest.isEmpty else { return nil }
    return nanoseconds
  }

  private mutating func read() -> Int128? {
    guard let year = number(4), take("-"), let month = number(2), take("-"), let day = number(2),
      1...12 ~= month, 1...Self.days(of: month, in: year) ~= day
    else { return nil }
    var nanoseconds = Int128(Self.day(year, month, day)) * 86_400_000_000_000
    guard !rest.isEmpty else { return nanoseconds }
    guard take("T") || take("t"), let hour = number(2), take(":"), let minute = number(2), take(":"),
      let second = number(2), hour < 24, minute < 60, second < 60, let fraction = fraction(), let offset = offset()
    else { return nil }
    nanoseconds += Int128(hour * 3600 + (minute - offset) * 60 + second) * 1_000_000_000 + Int128(fraction)
    return nanoseconds
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard rest.first == UInt8(ascii: character) else { return false }
    rest.removeFirst()
    return true
  }

  /// That many digits.
  private mutating func number(_ count: Int) -> Int? {
    let digits = rest.prefix(count)
    guard digits.count == count, digits.allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
    rest.removeFirst(count)
    return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
  }

  /// Nanoseconds behind the point, when there is one: nine digits at most.
  private mutating func fraction() -> Int? {
    guard take(".") else { return 0 }
    let count = rest.prefix { 0x30...0x39 ~= $0 }.count
    guard 1...9 ~= count, let digits = number(count) else { return nil }
    return (count..<9).reduce(digits) { value, _ in value * 10 }
  }

  /// Minutes east of Greenwich.
  private mutating func offset() -> Int? {
    if take("Z") || take("z") { return 0 }
    let sign = take("+") ? 1 : take("-") ? -1 : 0
    guard sign != 0, let hours = number(2), take(":"), let minutes = number(2), hours < 24, minutes < 60 else {
      return nil
    }
    return sign * (hours * 60 + minutes)
  }

  private static func days(of month: Int, in year: Int) -> Int {
    switch month {
    case 2: year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400)) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// Days since the Unix epoch. Years are counted from March, so that a leap day ends one.
  private static func day(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let years = month > 2 ? year : year - 1
    let months = (month + 9) % 12
    let (leaps, before) = (years / 4 - years / 100 + years / 400, (153 * months + 2) / 5)
    return years * 365 + leaps + before + day - 1 - 719_468
  }
}
