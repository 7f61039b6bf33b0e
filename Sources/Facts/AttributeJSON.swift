import JSON
import OTLP
import Pipeline

/// Attribute values as JSON. What an index has accepted is UTF-8 and not nested deeply.
enum AttributeJSON {
  typealias Bytes = UnsafeRawBufferPointer

  /// Writes an attribute's value; null for bytes, which are nobody's metadata, and for no value.
  static func write(_ type: AttributeEntry.ValueType, _ value: Bytes, to text: inout JSONText) {
    switch type {
    case .string: text.string(value)
    case .bool: text.bool(Varint.read(value) != 0)
    case .int: text.int(Int64(bitPattern: Varint.read(value)))
    case .double where value.count == 8:
      text.double(Double(bitPattern: UInt64(littleEndian: value.loadUnaligned(as: UInt64.self))))
    case .array:
      text.beginArray()
      forEachElement(ofArray: value) { write($0, $1, to: &text) }
      text.endArray()
    case .kvlist:
      text.beginObject()
      forEachPair(ofList: value) { key, type, value in
        text.key(key)
        write(type, value, to: &text)
      }
      text.endObject()
    default: text.null()
    }
  }

  /// Lends the values of an `ArrayValue`.
  static func forEachElement(ofArray array: Bytes, _ body: (AttributeEntry.ValueType, Bytes) -> Void) {
    forEachField(of: array) { field in
      guard field.number == 1, let element = field.bytes else { return }
      let value = value(of: element)
      body(value.type, value.bytes)
    }
  }

  /// Lends the keys and values of a `KeyValueList`.
  static func forEachPair(ofList list: Bytes, _ body: (Bytes, AttributeEntry.ValueType, Bytes) -> Void) {
    forEachPair(in: list, ofField: 1, body)
  }

  /// Lends the keys and values of any message's field that is a repeated `KeyValue`.
  static func forEachPair(
    in message: Bytes, ofField number: Int, _ body: (Bytes, AttributeEntry.ValueType, Bytes) -> Void
  ) {
    forEachField(of: message) { field in
      guard field.number == number, let pair = field.bytes else { return }
      var key = Bytes(start: nil, count: 0)
      var found = (type: AttributeEntry.ValueType.empty, bytes: Bytes(start: nil, count: 0))
      forEachField(of: pair) { field in
        guard let bytes = field.bytes else { return }
        if field.number == 1 { key = bytes }
        if field.number == 2 { found = value(of: bytes) }
      }
      body(key, found.type, found.bytes)
    }
  }

  /// An `AnyValue`'s member: the last on the wire. A number's bytes are those on the wire.
  private static func value(of message: Bytes) -> (type: AttributeEntry.ValueType, bytes: Bytes) {
    var found = (type: AttributeEntry.ValueType.empty, bytes: Bytes(start: nil, count: 0))
    forEachField(of: message) { field in
      let type: AttributeEntry.ValueType? =
        switch (field.number, field.value) {
        case (1, .bytes): .string
        case (2, .varint): .bool
        case (3, .varint): .int
        case (4, .fixed64): .double
        case (5, .bytes): .array
        case (6, .bytes): .kvlist
        case (7, .bytes): .bytes
        default: nil
        }
      // The tags of these fields have one byte.
      if let type { found = (type, field.bytes ?? Bytes(rebasing: field.encoding.dropFirst())) }
    }
    return found
  }

  private static func forEachField(of message: Bytes, _ body: (WireField) -> Void) {
    var reader = WireReader(message)
    while let field = try? reader.next() { body(field) }
  }
}
