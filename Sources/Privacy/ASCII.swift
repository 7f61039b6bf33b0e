/// What bytes of text are.
enum ASCII {
  static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }
  static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- UInt8(ascii: "a") < 26 }
  static func isHexDigit(_ byte: UInt8) -> Bool { isDigit(byte) || (byte | 0x20) &- UInt8(ascii: "a") < 6 }
  static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte &- 9 < 5 }
}

/// Where something stands in a text that may be JSON.
enum JSONPlace {
  /// Whether a range is a number by itself in the text of an object or an array: what takes its place needs quotes.
  static func isBareNumber(_ range: Range<Int>, of text: UnsafeRawBufferPointer) -> Bool {
    guard !range.isEmpty, text[range].allSatisfy(ASCII.isDigit),
      let first = text.first(where: { !ASCII.isSpace($0) }), first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
    else { return false }
    guard let before = text[..<range.lowerBound].last(where: { !ASCII.isSpace($0) }),
      let after = text[range.upperBound...].first(where: { !ASCII.isSpace($0) })
    else { return false }
    return [UInt8(ascii: ":"), UInt8(ascii: ","), UInt8(ascii: "[")].contains(before)
      && [UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]")].contains(after)
  }
}
