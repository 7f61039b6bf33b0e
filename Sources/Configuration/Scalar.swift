/// A single value as it was written: its type shows only when it is asked for.
package struct Scalar: Sendable, Equatable {
  /// What a scalar means without being asked for a certain type.
  package enum Value: Sendable, Equatable {
    case null
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
  }

  package let text: String
  /// In quotes, in a block (`|`, `>`) or tagged as text: text whatever it looks like.
  package let isQuoted: Bool

  package init(_ text: String, isQuoted: Bool) {
    self.text = text
    self.isQuoted = isQuoted
  }

  /// The meaning under YAML 1.2's core schema, with the number forms that Go's YAML reader adds.
  package var value: Value {
    if isQuoted { return .string(text) }
    switch text {
    case "", "~", "null", "Null", "NULL": return .null
    case "true", "True", "TRUE": return .bool(true)
    case "false", "False", "FALSE": return .bool(false)
    default: break
    }
    if let number = NumberText.int(text) { return .int(number) }
    if let number = NumberText.double(text) { return .double(number) }
    return .string(text)
  }

  /// The truth value where one is asked for: YAML 1.1's `yes`, `no`, `on` and `off` count there, and only there.
  package var asBool: Bool? {
    switch value {
    case .bool(let value): return value
    case .string(let word) where !isQuoted:
      switch word {
      case "yes", "Yes", "YES", "on", "On", "ON": return true
      case "no", "No", "NO", "off", "Off", "OFF": return false
      default: return nil
      }
    default: return nil
    }
  }
}

/// The ways in which YAML writes numbers.
enum NumberText {
  /// Decimal, `0x`, `0o`, `0b` or, as in YAML 1.1, octal after a leading `0`; `_` may separate digits.
  static func int(_ text: String) -> Int? {
    var rest = Substring(text)
    var isNegative = false
    if let sign = rest.first, sign == "+" || sign == "-" {
      isNegative = sign == "-"
      rest.removeFirst()
    }
    guard let first = rest.utf8.first, isDigit(first) else { return nil }
    var radix = 10
    if first == UInt8(ascii: "0"), let second = rest.utf8.dropFirst().first {
      rest.removeFirst()
      switch second {
      case UInt8(ascii: "x"), UInt8(ascii: "X"): radix = 16
      case UInt8(ascii: "b"), UInt8(ascii: "B"): radix = 2
      default: radix = 8
      }
      if !isDigit(second), "xXoObB_".utf8.contains(second) { rest.removeFirst() }
    }
    let digits = rest.filter { $0 != "_" }
    // Int(_:radix:) would take a second sign.
    guard let lead = digits.utf8.first, lead != UInt8(ascii: "-"), lead != UInt8(ascii: "+") else { return nil }
    return Int((isNegative ? "-" : "") + digits, radix: radix)
  }

  /// Decimal with a point or an exponent, and whole numbers too large for `int`; `.inf` and `.nan`.
  static func double(_ text: String) -> Double? {
    switch text {
    case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": return .infinity
    case "-.inf", "-.Inf", "-.INF": return -.infinity
    case ".nan", ".NaN", ".NAN": return .nan
    default: return isDecimal(text.utf8) ? Double(text) : nil
    }
  }

  /// `[-+]? (digits [. digits?] | . digits) ([eE] [-+]? digits)?`, which is stricter than what `Double` reads.
  private static func isDecimal(_ text: String.UTF8View) -> Bool {
    var rest = text[...]
    func skip(_ allowed: (UInt8) -> Bool) -> Int {
      let count = rest.prefix(while: allowed).count
      rest = rest.dropFirst(count)
      return count
    }
    func skipOne(_ letters: StaticString) -> Bool {
      guard let first = rest.first, letters.withUTF8Buffer({ $0.contains(first) }) else { return false }
      rest = rest.dropFirst()
      return true
    }
    _ = skipOne("+-")
    var digits = skip(isDigit)
    if skipOne(".") { digits += skip(isDigit) }
    guard digits > 0 else { return false }
    if skipOne("eE") {
      _ = skipOne("+-")
      guard skip(isDigit) > 0 else { return false }
    }
    return rest.isEmpty
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
