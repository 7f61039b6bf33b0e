import OTLP

/// Writes a protobuf message, field by field. `field` is always the number of one.
struct MessageWriter {
  private(set) var bytes: [UInt8] = []

  mutating func varint(_ field: Int, _ value: Int) {
    tag(field, 0)
    Varint.append(value, to: &bytes)
  }

  mutating func fixed64(_ field: Int, _ value: UInt64) {
    tag(field, 1)
    append(value)
  }

  mutating func double(_ field: Int, _ value: Double) { fixed64(field, value.bitPattern) }

  mutating func string(_ field: Int, _ value: String) {
    tag(field, 2)
    Varint.append(value.utf8.count, to: &bytes)
    bytes.append(contentsOf: value.utf8)
  }

  mutating func message(_ field: Int, _ fill: (inout MessageWriter) -> Void) {
    var inner = MessageWriter()
    fill(&inner)
    message(field, inner.bytes)
  }

  /// A message that was written before.
  mutating func message(_ field: Int, _ encoded: [UInt8]) {
    tag(field, 2)
    Varint.append(encoded.count, to: &bytes)
    bytes.append(contentsOf: encoded)
  }

  /// A repeated field of numbers of eight bytes.
  mutating func packed(_ field: Int, _ values: some Collection<UInt64>) {
    tag(field, 2)
    Varint.append(values.count * 8, to: &bytes)
    for value in values { append(value) }
  }

  private mutating func tag(_ field: Int, _ wire: Int) { Varint.append(field << 3 | wire, to: &bytes) }

  private mutating func append(_ value: UInt64) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }
}
