import OTLP

/// Writes whole `attributes` fields of a span or a log record.
struct AttributeField {
  enum Value {
    case text([UInt8])
    case bool(Bool)
    case int(Int64)
    case double(Double)
  }

  /// `attributes`: field 9 of a span, field 6 of a log record, length-delimited both.
  static func tag(of signal: Signal) -> UInt8 { signal == .logs ? 0x32 : 0x4a }

  /// Appends tag, length and `KeyValue`.
  static func append(_ tag: UInt8, key: [UInt8], _ value: Value, to bytes: inout [UInt8]) {
    var content: [UInt8] = []
    switch value {
    case .text(let text): appendField(0x0a, text, to: &content)
    case .bool(let bool): content += [0x10, bool ? 1 : 0]
    case .int(let int):
      content.append(0x18)
      Varint.append(Int(int), to: &content)
    case .double(let double):
      content.append(0x21)
      withUnsafeBytes(of: double.bitPattern.littleEndian) { content += $0 }
    }
    var pair: [UInt8] = []
    appendField(0x0a, key, to: &pair)
    appendField(0x12, content, to: &pair)
    appendField(tag, pair, to: &bytes)
  }

  private static func appendField(_ tag: UInt8, _ content: [UInt8], to bytes: inout [UInt8]) {
    bytes.append(tag)
    Varint.append(content.count, to: &bytes)
    bytes += content
  }
}
