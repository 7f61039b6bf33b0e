/// Writes JSON text, piece by piece.
package struct JSONText {
  package private(set) var bytes: [UInt8] = []
  private var needsComma = false

  package init() {}

  /// Begins anew in the same memory.
  package mutating func clear() {
    bytes.removeAll(keepingCapacity: true)
    needsComma = false
  }

  package mutating func beginObject() { open(UInt8(ascii: "{")) }
  package mutating func endObject() { close(UInt8(ascii: "}")) }
  package mutating func beginArray() { open(UInt8(ascii: "[")) }
  package mutating func endArray() { close(UInt8(ascii: "]")) }

  /// The key of the value that is written next.
  package mutating func key(_ name: String) {
    string(name)
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  /// The key of the value that is written next, in UTF-8, which is not checked.
  package mutating func key(_ utf8: UnsafeRawBufferPointer) {
    string(utf8)
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  package mutating func string(_ value: String) {
    var value = value
    value.withUTF8 { string(UnsafeRawBufferPointer($0)) }
  }

  /// UTF-8, which is not checked.
  package mutating func string(_ utf8: UnsafeRawBufferPointer) {
    comma()
    bytes.append(UInt8(ascii: "\""))
    for byte in utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
      case 0..<0x20:
        bytes.append(contentsOf: Array("\\u00".utf8))
        bytes.append(Self.digits[Int(byte >> 4)])
        bytes.append(Self.digits[Int(byte & 15)])
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  package mutating func int(_ value: Int64) { raw(String(value).utf8) }
  package mutating func bool(_ value: Bool) { raw((value ? "true" : "false").utf8) }
  package mutating func null() { raw("null".utf8) }

  /// With the fewest digits that read back as the same number. JSON has no word for what is not finite: null.
  package mutating func double(_ value: Double) {
    value.isFinite ? raw(value.description.utf8) : null()
  }

  /// A value as it was read, without its white space.
  package mutating func value(_ value: JSONValue) {
    switch value.kind {
    case .null: null()
    case .bool: bool(value.bool ?? false)
    case .number: number(value)
    case .string: string(value.text ?? UnsafeRawBufferPointer(start: nil, count: 0))
    case .array:
      beginArray()
      for element in value.elements { self.value(element) }
      endArray()
    case .object:
      beginObject()
      for (key, member) in value.members {
        self.key(key)
        self.value(member)
      }
      endObject()
    }
  }

  private mutating func number(_ value: JSONValue) {
    if let int = value.int {
      self.int(int)
    } else if let uint = value.uint {
      raw(String(uint).utf8)
    } else {
      double(value.double ?? 0)
    }
  }

  /// What is JSON already.
  package mutating func raw(_ text: some Collection<UInt8>) {
    comma()
    bytes.append(contentsOf: text)
  }

  private mutating func open(_ bracket: UInt8) {
    comma()
    bytes.append(bracket)
    needsComma = false
  }

  private mutating func close(_ bracket: UInt8) {
    bytes.append(bracket)
    needsComma = true
  }

  private mutating func comma() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
    needsComma = true
  }

  private static let digits = Array("0123456789abcdef".utf8)
}
