import OTLP
import Pipeline

/// The header of a `ResourceSpans` (`ResourceLogs`): all of its fields but the scopes.
enum ResourceHeader {
  private static let resourceTag: UInt8 = 0x0a
  /// `attributes` of a resource, and `key` of a `KeyValue`: field 1 both, length-delimited.
  private static let attributesTag: UInt8 = 0x0a

  /// The same header, whose resource has this text under that key and nothing else there; as it is where that is so already.
  ///
  /// - Throws: where the header is no message. Every index has checked it.
  static func setting(_ key: [UInt8], to text: [UInt8], in header: [UInt8]) throws(WireError) -> [UInt8] {
    try header.withUnsafeBytes { header in
      Result { () throws(WireError) in try setting(key, to: text, in: header) }
    }.get()
  }

  private static func setting(
    _ key: [UInt8], to text: [UInt8], in header: UnsafeRawBufferPointer
  ) throws(WireError) -> [UInt8] {
    var attribute: [UInt8] = []
    AttributeField.append(attributesTag, key: key, .text(text), to: &attribute)
    var resource: [UInt8] = []
    var others: [UInt8] = []
    var removed: [[UInt8]] = []
    try forEachField(of: header) { field throws(WireError) in
      guard field.number == 1, let content = field.bytes else {
        others += field.encoding
        return
      }
      // A resource in pieces is their fields together.
      try forEachField(of: content) { field throws(WireError) in
        if field.number == 1, let pair = field.bytes, try isNamed(key, pair) {
          removed.append(Array(field.encoding))
        } else {
          resource += field.encoding
        }
      }
    }
    guard removed != [attribute] else { return Array(header) }
    resource += attribute
    var changed = [resourceTag]
    Varint.append(resource.count, to: &changed)
    return changed + resource + others
  }

  private static func isNamed(_ key: [UInt8], _ pair: UnsafeRawBufferPointer) throws(WireError) -> Bool {
    var found: [UInt8] = []
    try forEachField(of: pair) { field in
      if field.number == 1, let bytes = field.bytes { found = Array(bytes) }
    }
    return found == key
  }

  private static func forEachField(
    of message: UnsafeRawBufferPointer, _ body: (WireField) throws(WireError) -> Void
  ) throws(WireError) {
    var reader = WireReader(message)
    while let field = try reader.next() { try body(field) }
  }
}
