package import JSON

/// What a filter can ask of end-user metadata: the values of a JSON object as text, under their paths.
///
/// Keys of objects within one another are joined by dots. An array's elements are all values of the array's path. A number
/// is its shortest decimal, `true` and `false` are words, null is no value.
package struct MetadataValues {
  /// Values of one object at most, and the bytes of a path or a value: a longer path is left out, a longer value is cut.
  package static let maxCount = 256
  package static let maxBytes = 1024

  private var path: [UInt8] = []
  private var count = 0
  private let body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool

  /// Lends each path and value in the order in which they stand, until the body returns false.
  package static func forEach(
    in object: JSONValue, _ body: (_ path: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool
  ) {
    withoutActuallyEscaping(body) {
      var walk = MetadataValues(body: $0)
      if object.kind == .object { _ = walk.visit(object) }
    }
  }

  private init(body: @escaping (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool) {
    self.body = body
  }

  /// False when enough was seen.
  private mutating func visit(_ value: JSONValue) -> Bool {
    switch value.kind {
    case .null: return true
    case .string: return tell(value.text ?? UnsafeRawBufferPointer(start: nil, count: 0))
    case .bool: return tell(value.bool == true ? "true" : "false")
    case .number: return tell(Self.text(ofNumber: value))
    case .array:
      for element in value.elements where !visit(element) { return false }
      return true
    case .object:
      let length = path.count
      for (key, member) in value.members {
        if length > 0 { path.append(UInt8(ascii: ".")) }
        path.append(contentsOf: key)
        let goesOn = path.count > Self.maxBytes || visit(member)
        path.removeSubrange(length...)
        if !goesOn { return false }
      }
      return true
    }
  }

  private static func text(ofNumber value: JSONValue) -> String {
    if let int = value.int { return String(int) }
    if let uint = value.uint { return String(uint) }
    return value.double?.description ?? ""
  }

  private mutating func tell(_ text: String) -> Bool {
    var text = text
    return text.withUTF8 { tell(UnsafeRawBufferPointer($0)) }
  }

  private mutating func tell(_ text: UnsafeRawBufferPointer) -> Bool {
    var length = min(text.count, Self.maxBytes)
    // Not within a character.
    while length < text.count, text[length] & 0xc0 == 0x80 { length -= 1 }
    count += 1
    return path.withUnsafeBytes { body($0, UnsafeRawBufferPointer(rebasing: text[..<length])) } && count < Self.maxCount
  }
}
