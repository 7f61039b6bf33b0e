import OTLP
import Testing

/// Protobuf bytes put together by hand, field by field, so that a test can say exactly what lies where.
enum HandWire {
  static func varint(_ value: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }

  static func tag(_ number: UInt64, _ wireType: UInt64) -> [UInt8] { varint(number << 3 | wireType) }

  static func number(_ field: UInt64, _ value: UInt64) -> [UInt8] { tag(field, 0) + varint(value) }

  static func number(_ field: UInt64, signed value: Int64) -> [UInt8] { number(field, UInt64(bitPattern: value)) }

  static func fixed64(_ field: UInt64, _ value: UInt64) -> [UInt8] { tag(field, 1) + littleEndian(value) }

  static func fixed32(_ field: UInt64, _ value: UInt32) -> [UInt8] { tag(field, 5) + littleEndian(value) }

  static func double(_ field: UInt64, _ value: Double) -> [UInt8] { fixed64(field, value.bitPattern) }

  static func bytes(_ field: UInt64, _ value: [UInt8]) -> [UInt8] {
    tag(field, 2) + varint(UInt64(value.count)) + value
  }

  static func text(_ field: UInt64, _ value: String) -> [UInt8] { bytes(field, Array(value.utf8)) }

  static func message(_ field: UInt64, _ fields: [UInt8]...) -> [UInt8] { bytes(field, fields.flatMap { $0 }) }

  static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  /// A KeyValue in field `field`, with an AnyValue of the given fields.
  static func attribute(_ field: UInt64, _ key: String, _ value: [UInt8]...) -> [UInt8] {
    message(field, text(1, key), bytes(2, value.flatMap { $0 }))
  }

  /// A trace request with one span of the given fields.
  static func request(span fields: [UInt8]...) -> [UInt8] { message(1, message(2, bytes(2, fields.flatMap { $0 }))) }
}

/// The JSON of a message, as text.
func json(_ message: [UInt8], as kind: OTLPMessage = .request(.traces)) throws -> String {
  var text: [UInt8] = []
  try message.withUnsafeBytes { try OTLPJSON.append($0, as: kind, to: &text) }
  return try #require(String(validating: text, as: UTF8.self))
}

/// The JSON of a span in a trace request that holds nothing else.
func json(span fields: [UInt8]...) throws -> String {
  let prefix = #"{"resourceSpans":[{"scopeSpans":[{"spans":["#
  let suffix = "]}]}]}"
  let text = try json(HandWire.request(span: fields.flatMap { $0 }))
  try #require(text.hasPrefix(prefix) && text.hasSuffix(suffix))
  return String(text.dropFirst(prefix.count).dropLast(suffix.count))
}

/// The JSON of an AnyValue with the given fields.
func json(value fields: [UInt8]...) throws -> String {
  let prefix = #"{"attributes":[{"key":"k","value":"#
  let text = try json(span: HandWire.attribute(9, "k", fields.flatMap { $0 }))
  try #require(text.hasPrefix(prefix))
  return String(text.dropFirst(prefix.count).dropLast(3))
}
