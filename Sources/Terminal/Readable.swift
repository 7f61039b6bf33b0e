/// Figures as people read them. What is unknown is a dash, never a zero.
enum Readable {
  static let unknown = "-"

  /// Three digits that count: `9999`, `12.3k`, `1.23M`.
  static func count(_ value: Int64?) -> String {
    guard let value else { return unknown }
    guard value.magnitude >= 10_000 else { return String(value) }
    var scaled = Double(value)
    for unit in ["k", "M", "B", "T"] {
      scaled /= 1000
      if abs(scaled) < 999.5 || unit == "T" { return digits(scaled, places: scaled) + unit }
    }
    return unknown
  }

  /// `$12.35`, `$0.0123`, `$0.0000021`, `$12.3k`.
  static func dollars(_ value: Double?) -> String {
    guard let value else { return unknown }
    let sign = value < 0 ? "-" : ""
    let amount = abs(value)
    if amount == 0 { return "$0" }
    if amount >= 9999.995 { return sign + "$" + count(Int64(min(amount, 1e18).rounded())) }
    if amount >= 0.99995 { return sign + "$" + fixed(amount, 2) }
    // Two digits that count, and four places at least.
    var places = 4
    var smallest = 0.001
    while amount < smallest, places < 9 {
      places += 1
      smallest /= 10
    }
    return sign + "$" + fixed(amount, places)
  }

  /// `0.8`, `4.25`, `12.3k`: three places at most.
  static func score(_ value: Double) -> String {
    guard abs(value) < 10_000 else { return count(Int64(min(max(value, -9e18), 9e18).rounded())) }
    var digits = fixed(value, 3)
    while digits.hasSuffix("0") { digits.removeLast() }
    return digits.hasSuffix(".") ? String(digits.dropLast()) : digits
  }

  /// Milliseconds: `420 µs`, `250 ms`, `1.2 s`, `2 m 05 s`, `3 h 12 m`, `4 d 07 h`.
  static func duration(_ milliseconds: Double?) -> String {
    guard let milliseconds else { return unknown }
    guard milliseconds >= 0 else { return "-" + duration(-milliseconds) }
    if milliseconds == 0 { return "0 ms" }
    if milliseconds < 0.9995 { return fixed(max(milliseconds * 1000, 1), 0) + " µs" }
    if milliseconds < 999.5 { return fixed(milliseconds, milliseconds < 9.95 ? 1 : 0) + " ms" }
    if milliseconds < 59_950 { return fixed(milliseconds / 1000, 1) + " s" }
    let seconds = Int64(min(milliseconds / 1000, 1e12).rounded())
    if seconds < 3600 { return pair(seconds, 60, "m", "s") }
    if seconds < 172_800 { return pair(seconds / 60, 60, "h", "m") }
    return pair(seconds / 3600, 24, "d", "h")
  }

  private static func pair(_ value: Int64, _ base: Int64, _ large: String, _ small: String) -> String {
    let rest = String(value % base)
    return "\(value / base) \(large) \(rest.count < 2 ? "0" : "")\(rest) \(small)"
  }

  /// Three digits that count, of a number below 1000.
  private static func digits(_ value: Double, places magnitude: Double) -> String {
    let size = abs(magnitude)
    return fixed(value, size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2)
  }

  /// A decimal with so many places behind its point, rounded.
  static func fixed(_ value: Double, _ places: Int) -> String {
    let scale = (0..<places).reduce(1.0) { scale, _ in scale * 10 }
    let scaled = Int64(min(abs(value) * scale, 9e18).rounded())
    let divisor = Int64(scale)
    let whole = (value < 0 && scaled > 0 ? "-" : "") + String(scaled / divisor)
    guard places > 0 else { return whole }
    let fraction = String(scaled % divisor)
    return whole + "." + String(repeating: "0", count: places - fraction.count) + fraction
  }
}
