import Pipeline

/// Text for people about attributes and their values.
enum AttributeText {
  /// Values inside values that are still shown.
  private static let depthLimit = 64

  /// Key and value of a `KeyValue`.
  static func pair(_ message: UnsafeRawBufferPointer, depth: Int = 0) throws(WireError) -> (key: String, value: String)
  {
    var key = ""
    var value = "empty"
    var reader = WireReader(message)
    while let field = try reader.next() {
      switch (field.number, field.value) {
      case (1, .bytes(let bytes)): key = RequestText.text(bytes)
      case (2, .bytes(let bytes)): value = try self.value(bytes, depth: depth)
      default: continue
      }
    }
    return (key, value)
  }

  /// The last member of the `AnyValue` that is set.
  static func value(_ message: UnsafeRawBufferPointer, depth: Int = 0) throws(WireError) -> String {
    guard depth < depthLimit else { return "…" }
    var text = "empty"
    var reader = WireReader(message)
    while let field = try reader.next() {
      switch (field.number, field.value) {
      case (1, .bytes(let bytes)): text = RequestText.text(bytes)
      case (2, .varint(let number)): text = number == 0 ? "false" : "true"
      case (3, .varint(let number)): text = String(Int64(bitPattern: number))
      case (4, .fixed64(let bits)): text = String(Double(bitPattern: bits))
      case (5, .bytes(let bytes)):
        var elements: [String] = []
        try forEachElement(bytes) { element throws(WireError) in
          elements.append(try value(element, depth: depth + 1))
        }
        text = "[" + elements.joined(separator: ", ") + "]"
      case (6, .bytes(let bytes)):
        var elements: [String] = []
        try forEachElement(bytes) { element throws(WireError) in
          let (key, value) = try pair(element, depth: depth + 1)
          elements.append("\(key): \(value)")
        }
        text = "{" + elements.joined(separator: ", ") + "}"
      case (7, .bytes(let bytes)): text = RequestText.hex(bytes)
      default: continue
      }
    }
    return text
  }

  private static func forEachElement(
    _ list: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws(WireError) -> Void
  ) throws(WireError) {
    var reader = WireReader(list)
    while let field = try reader.next() {
      if field.number == 1, let bytes = field.bytes { try body(bytes) }
    }
  }
}
