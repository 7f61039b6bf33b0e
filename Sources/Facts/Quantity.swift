import JSON
import OTLP

/// Numbers as conventions send them, and what can be believed of them.
enum Quantity {
  /// More tokens than any call has; what is beyond is an error of somebody's.
  static let mostTokens: Int64 = 1 << 40
  /// Dollars for one span at most: thousands of such spans can be added up in billionths.
  static let mostDollars = 1e6

  /// A count of tokens; nil for what is none.
  @inline(__always)
  static func tokens(_ attribute: AttributeEntry, _ value: UnsafeRawBufferPointer) -> Int64? {
    switch attribute.type {
    case .int: tokens(Int64(bitPattern: Varint.read(value)))
    // What a language without integers sends.
    case .double: double(value).flatMap(Int64.init(exactly:)).flatMap(tokens)
    case .string: text(value).flatMap(Int64.init(exactly:)).flatMap(tokens)
    default: nil
    }
  }

  static func tokens(_ value: JSONValue) -> Int64? { value.int.flatMap(tokens) }

  private static func tokens(_ count: Int64) -> Int64? { (0...mostTokens).contains(count) ? count : nil }

  /// An amount in US dollars; nil for what is none.
  static func dollars(_ attribute: AttributeEntry, _ value: UnsafeRawBufferPointer) -> Double? {
    switch attribute.type {
    case .int: dollars(Double(Int64(bitPattern: Varint.read(value))))
    case .double: double(value).flatMap(dollars)
    case .string: text(value).flatMap(dollars)
    default: nil
    }
  }

  static func dollars(_ value: JSONValue) -> Double? { value.double.flatMap(dollars) }

  private static func dollars(_ amount: Double) -> Double? { amount >= 0 && amount <= mostDollars ? amount : nil }

  /// Billionths of a dollar.
  static func billionths(ofDollars dollars: Double) -> Int64 { Int64((min(dollars, mostDollars) * 1e9).rounded()) }

  private static func double(_ value: UnsafeRawBufferPointer) -> Double? {
    guard value.count == 8 else { return nil }
    return Double(bitPattern: UInt64(littleEndian: value.loadUnaligned(as: UInt64.self)))
  }

  /// A number that is written as text, in decimal digits.
  private static func text(_ value: UnsafeRawBufferPointer) -> Double? {
    guard (1...32).contains(value.count), value.allSatisfy({ Self.decimal.contains($0) }) else { return nil }
    return Double(String(decoding: value, as: UTF8.self))
  }

  private static let decimal = Array("0123456789.e-+".utf8)
}
