import JSON
import OTLP

/// The tags of one span, each once, as a JSON array. Kept and used again, it allocates little.
struct TagList {
  typealias Bytes = UnsafeRawBufferPointer

  /// Tags of a span at most, and bytes of each.
  private static let most = 64
  private static let mostBytes = 200

  private var texts: [UInt8] = []
  private var ranges: [Range<Int>] = []
  private let document = JSONDocument()

  mutating func clear() {
    texts.removeAll(keepingCapacity: true)
    ranges.removeAll(keepingCapacity: true)
  }

  /// Adds those of an attribute: a list, the text of a JSON array, or text with commas.
  mutating func add(_ type: AttributeEntry.ValueType, _ value: Bytes) {
    switch type {
    case .array:
      AttributeJSON.forEachElement(ofArray: value) { type, element in
        if type == .string { addOne(element) }
        if type == .int {
          var digits = String(Int64(bitPattern: Varint.read(element)))
          digits.withUTF8 { addOne(Bytes($0)) }
        }
      }
    case .string where value.first == UInt8(ascii: "["):
      if let array = try? document.parse(value), array.kind == .array {
        for element in array.elements { if let text = element.text { addOne(text) } }
      } else {
        addOne(value)
      }
    case .string:
      for part in value.split(separator: UInt8(ascii: ",")) { addOne(Bytes(rebasing: part)) }
    default: break
    }
  }

  private mutating func addOne(_ text: Bytes) {
    let tag = text.trimmed.prefix(upToCharacterAt: Self.mostBytes)
    guard !tag.isEmpty, ranges.count < Self.most else { return }
    let isKnown = texts.withUnsafeBytes { texts in
      ranges.contains { $0.count == tag.count && texts[$0].elementsEqual(tag) }
    }
    guard !isKnown else { return }
    ranges.append(texts.count..<texts.count + tag.count)
    texts.append(contentsOf: tag)
  }

  func write(to text: inout JSONText) {
    guard !ranges.isEmpty else { return }
    text.beginArray()
    texts.withUnsafeBytes { texts in
      for range in ranges { text.string(Bytes(rebasing: texts[range])) }
    }
    text.endArray()
  }
}

extension UnsafeRawBufferPointer {
  /// Without white space at its ends.
  var trimmed: UnsafeRawBufferPointer {
    var rest = self[...]
    while let first = rest.first, Self.isSpace(first) { rest = rest.dropFirst() }
    while let last = rest.last, Self.isSpace(last) { rest = rest.dropLast() }
    return UnsafeRawBufferPointer(rebasing: rest)
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }

  /// The first bytes of UTF-8 text, at most so many, and no part of a character.
  @inline(__always)
  func prefix(upToCharacterAt count: Int) -> UnsafeRawBufferPointer {
    self.count > count ? cut(upToCharacterAt: count) : self
  }

  private func cut(upToCharacterAt count: Int) -> UnsafeRawBufferPointer {
    var end = count
    while end > 0, self[end] & 0xc0 == 0x80 { end -= 1 }
    return UnsafeRawBufferPointer(rebasing: self[..<end])
  }
}
