/// The ways in which an id is written within other texts: as it is, escaped for JSON, encoded for a URL.
enum Spellings {
  /// Each once, and none empty.
  static func all(of id: [UInt8]) -> Set<[UInt8]> {
    // Most ids are written in one way.
    if id.allSatisfy({ isUnreserved($0) }) { return id.isEmpty ? [] : [id] }
    var spellings: Set<[UInt8]> = []
    // And most others are not written otherwise in JSON: addresses.
    if id.allSatisfy({ isUnreserved($0) || $0 == UInt8(ascii: "@") || $0 == UInt8(ascii: "+") }) {
      spellings.insert(id)
      for digits in [lower, upper] { spellings.insert(percent(id, keeping: [], digits: digits)) }
      return spellings
    }
    for text in [id, trimmed(id)] where !text.isEmpty {
      let ways = [
        text, json(text, escapesAll: false, digits: lower), json(text, escapesAll: true, digits: lower),
        json(text, escapesAll: true, digits: upper),
      ]
      spellings.formUnion(ways)
      // JSON within a string of JSON.
      for way in ways[1...] where way != text { spellings.insert(json(way, escapesAll: false, digits: lower)) }
      for digits in [lower, upper] {
        // Of RFC 3986, of JavaScript, and of paths.
        for kept in ["", "!*'()", "/"] { spellings.insert(percent(text, keeping: Array(kept.utf8), digits: digits)) }
      }
      // Of forms.
      let words = text.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
      let encoded = words.map { percent(Array($0), keeping: [], digits: upper) }
      spellings.insert(Array(encoded.joined(separator: CollectionOfOne(UInt8(ascii: "+")))))
    }
    return spellings
  }

  private static let lower = Array("0123456789abcdef".utf8)
  private static let upper = Array("0123456789ABCDEF".utf8)

  private static func trimmed(_ text: [UInt8]) -> [UInt8] {
    guard let first = text.firstIndex(where: { !ASCII.isSpace($0) }),
      let last = text.lastIndex(where: { !ASCII.isSpace($0) })
    else { return [] }
    return Array(text[first...last])
  }

  /// What stands between the quotes of a JSON string. `escapesAll`: all but ASCII too.
  private static func json(_ text: [UInt8], escapesAll: Bool, digits: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    func add(_ unit: UInt16) {
      result.append(contentsOf: Array("\\u".utf8))
      for shift in [12, 8, 4, 0] { result.append(digits[Int(unit >> UInt16(shift)) & 15]) }
    }
    for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
      switch scalar {
      case "\"", "\\": result.append(contentsOf: [UInt8(ascii: "\\"), UInt8(scalar.value)])
      case "\n": result.append(contentsOf: Array("\\n".utf8))
      case "\r": result.append(contentsOf: Array("\\r".utf8))
      case "\t": result.append(contentsOf: Array("\\t".utf8))
      case _ where scalar.value < 0x20 || (escapesAll && scalar.value >= 0x7f):
        for unit in String(scalar).utf16 { add(unit) }
      default: result.append(contentsOf: Array(String(scalar).utf8))
      }
    }
    return result
  }

  private static func isUnreserved(_ byte: UInt8) -> Bool {
    ASCII.isDigit(byte) || ASCII.isLetter(byte) || [0x2d, 0x2e, 0x5f, 0x7e].contains(byte)
  }

  private static func percent(_ text: [UInt8], keeping kept: [UInt8], digits: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    for byte in text {
      if isUnreserved(byte) || kept.contains(byte) {
        result.append(byte)
      } else {
        result.append(contentsOf: [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]])
      }
    }
    return result
  }
}
