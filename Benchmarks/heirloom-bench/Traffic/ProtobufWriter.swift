/// Encodes protobuf messages into an array. Only templates are made with it: speed does not matter here.
struct ProtobufWriter {
  private(set) var bytes: [UInt8] = []

  mutating func field(_ number: UInt32, varint value: UInt64) {
    tag(number, wireType: 0)
    varint(value)
  }

  mutating func field(_ number: UInt32, fixed64 value: UInt64) {
    tag(number, wireType: 1)
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func field(_ number: UInt32, fixed32 value: UInt32) {
    tag(number, wireType: 5)
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func field(_ number: UInt32, bytes value: some Collection<UInt8>) {
    tag(number, wireType: 2)
    varint(UInt64(value.count))
    bytes.append(contentsOf: value)
  }

  mutating func field(_ number: UInt32, string value: String) {
    field(number, bytes: value.utf8)
  }

  mutating func field(_ number: UInt32, message build: (inout ProtobufWriter) -> Void) {
    var writer = ProtobufWriter()
    build(&writer)
    field(number, bytes: writer.bytes)
  }

  private mutating func tag(_ number: UInt32, wireType: UInt32) {
    varint(UInt64(number << 3 | wireType))
  }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}

/// A key with a value, as resources, scopes and spans have them.
struct Attribute {
  enum Value {
    case string(String)
    case int(Int)
    case double(Double)
    case bool(Bool)
    case strings([String])
  }

  let key: String
  let value: Value

  init(_ key: String, _ value: Value) {
    self.key = key
    self.value = value
  }

  init(_ key: String, _ text: String) {
    self.init(key, .string(text))
  }

  /// The `KeyValue` message; with `valueFirst`, in the order in which the OpenTelemetry Collector writes it.
  func encoded(valueFirst: Bool = false) -> [UInt8] {
    var writer = ProtobufWriter()
    if !valueFirst { writer.field(1, string: key) }
    writer.field(2) { encode(value, into: &$0) }
    if valueFirst { writer.field(1, string: key) }
    return writer.bytes
  }

  private func encode(_ value: Value, into writer: inout ProtobufWriter) {
    switch value {
    case .string(let text): writer.field(1, string: text)
    case .bool(let flag): writer.field(2, varint: flag ? 1 : 0)
    case .int(let number): writer.field(3, varint: UInt64(bitPattern: Int64(number)))
    case .double(let number): writer.field(4, fixed64: number.bitPattern)
    case .strings(let texts):
      writer.field(5) { array in
        for text in texts { array.field(1) { encode(.string(text), into: &$0) } }
      }
    }
  }
}
