/// Writes protobuf fields by hand, legal ones and others: what no library would let a test do.
package struct ProtobufWriter {
  package private(set) var bytes: [UInt8] = []

  package init() {}

  package mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  package mutating func tag(_ field: Int, _ wire: Int) { varint(UInt64(field << 3 | wire)) }

  package mutating func varintField(_ field: Int, _ value: UInt64) {
    tag(field, 0)
    varint(value)
  }

  package mutating func fixed64Field(_ field: Int, _ value: UInt64) {
    tag(field, 1)
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  package mutating func fixed32Field(_ field: Int, _ value: UInt32) {
    tag(field, 5)
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  package mutating func bytesField(_ field: Int, _ value: [UInt8]) {
    tag(field, 2)
    varint(UInt64(value.count))
    bytes.append(contentsOf: value)
  }

  package mutating func stringField(_ field: Int, _ value: String) { bytesField(field, Array(value.utf8)) }

  package mutating func messageField(_ field: Int, _ fill: (inout ProtobufWriter) -> Void) {
    bytesField(field, ProtobufWriter.message(fill))
  }

  package mutating func raw(_ more: [UInt8]) { bytes.append(contentsOf: more) }

  package mutating func replaceLast(with byte: UInt8) { bytes[bytes.count - 1] = byte }

  package static func message(_ fill: (inout ProtobufWriter) -> Void) -> [UInt8] {
    var writer = ProtobufWriter()
    fill(&writer)
    return writer.bytes
  }
}
