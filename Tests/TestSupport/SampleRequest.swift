package import OTLP

/// Trace requests of a simple shape, written field by field, so that tests depend on no encoder.
package enum SampleRequest {
  /// The bytes of a request with one resource, one scope and `spans` spans, named `<name>-<index>`.
  package static func bytes(name: String = "span", spans: Int, resource: String = "service", padding: Int = 0)
    -> [UInt8]
  {
    let items = (0..<spans).flatMap { index in
      field(
        2,
        field(1, [UInt8](repeating: 0xAB, count: 16)) + field(2, [UInt8](repeating: 0xCD, count: 8))
          + field(5, Array("\(name)-\(index)".utf8)) + attribute("user.id", "ann")
          + attribute("padding", String(repeating: "x", count: padding)))
    }
    let scope = field(1, field(1, Array("scope".utf8))) + items
    return field(1, field(1, field(1, keyValue("service.name", resource))) + field(2, scope))
  }

  /// The same as an encoded request, in segments of `segmentLength` bytes.
  package static func make(
    name: String = "span", spans: Int = 1, resource: String = "service", padding: Int = 0, segmentLength: Int = .max
  ) -> EncodedRequest {
    let whole = bytes(name: name, spans: spans, resource: resource, padding: padding)
    let storage = UnsafeMutableRawBufferPointer.allocate(byteCount: whole.count, alignment: 1)
    storage.copyBytes(from: whole)
    let segments = stride(from: 0, to: whole.count, by: min(segmentLength, whole.count)).map {
      UnsafeRawBufferPointer(rebasing: storage[$0..<min($0 + min(segmentLength, whole.count), whole.count)])
    }
    let address = UInt(bitPattern: storage.baseAddress)
    return EncodedRequest(segments: segments, itemCount: spans) {
      UnsafeMutableRawPointer(bitPattern: address)?.deallocate()
    }
  }

  /// One item that is no protobuf message, of any size: for what only hands bytes on.
  package static func opaque(byteCount: Int) -> EncodedRequest {
    [UInt8](repeating: 0x2E, count: byteCount).withUnsafeBytes { EncodedRequest(copying: $0, itemCount: 1) }
  }

  /// A length-delimited field.
  package static func field(_ number: Int, _ content: [UInt8]) -> [UInt8] {
    varint(UInt64(number << 3 | 2)) + varint(UInt64(content.count)) + content
  }

  private static func varint(_ value: UInt64) -> [UInt8] {
    value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7F) | 0x80] + varint(value >> 7)
  }

  private static func keyValue(_ key: String, _ value: String) -> [UInt8] {
    field(1, Array(key.utf8)) + field(2, field(1, Array(value.utf8)))
  }

  private static func attribute(_ key: String, _ value: String) -> [UInt8] {
    field(9, keyValue(key, value))
  }
}
