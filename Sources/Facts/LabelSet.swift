import Glibc
import JSON

/// A few distinct texts in order of first appearance, with how often each came. Keeps its memory for the next trace.
struct LabelSet {
  /// The texts behind one another.
  private var bytes: [UInt8] = []
  private var labels: [(end: Int, number: Int)] = []
  /// How often others came when there was no room for them.
  private var others = 0

  var isEmpty: Bool { labels.isEmpty && others == 0 }

  mutating func clear() {
    bytes.removeAll(keepingCapacity: true)
    labels.removeAll(keepingCapacity: true)
    others = 0
  }

  /// - Parameter text: borrowed for the call.
  mutating func insert(_ text: SpanFacts.Text) {
    let text = Self.cut(text)
    if let known = find(text) {
      labels[known].number += 1
    } else if labels.count == TraceFacts.mostLabels {
      others += 1
    } else {
      bytes.append(contentsOf: text)
      labels.append((bytes.count, 1))
    }
  }

  private func find(_ text: SpanFacts.Text) -> Int? {
    bytes.withUnsafeBytes { bytes in
      var start = 0
      for place in labels.indices {
        let end = labels[place].end
        if end - start == text.count {
          guard let mine = bytes.baseAddress, let other = text.baseAddress else { return place }
          if memcmp(mine + start, other, text.count) == 0 { return place }
        }
        start = end
      }
      return nil
    }
  }

  /// Lends the texts.
  func forEach(_ body: (SpanFacts.Text) -> Void) {
    bytes.withUnsafeBytes { bytes in
      var start = 0
      for label in labels {
        body(SpanFacts.Text(rebasing: bytes[start..<label.end]))
        start = label.end
      }
    }
  }

  var strings: [String] {
    var strings: [String] = []
    forEach { strings.append(String(decoding: $0, as: UTF8.self)) }
    return strings
  }

  /// How often each came; what there was no room for is under the empty name.
  var numbers: [String: Int] {
    var result: [String: Int] = [:]
    for (text, label) in zip(strings, labels) { result[text, default: 0] += label.number }
    if others > 0 { result["", default: 0] += others }
    return result
  }

  /// As many bytes as are kept, and no part of a character.
  private static func cut(_ text: SpanFacts.Text) -> SpanFacts.Text {
    guard text.count > TraceFacts.longestLabel else { return text }
    var end = TraceFacts.longestLabel
    while end > 0, text[end] & 0b1100_0000 == 0b1000_0000 { end -= 1 }
    return SpanFacts.Text(rebasing: text[..<end])
  }
}

/// Reads spans' tags: JSON arrays of strings.
struct TagReader {
  private var document: JSONDocument?

  /// Adds the strings of an array; nothing of what is none.
  mutating func add(_ text: SpanFacts.Text, to labels: inout LabelSet) {
    if Self.isPlain(text) { return Self.addPlain(text, to: &labels) }
    let document = document ?? JSONDocument()
    self.document = document
    guard let array = try? document.parse(text) else { return }
    for element in array.elements {
      if let tag = element.text, !tag.isEmpty { labels.insert(tag) }
    }
  }

  /// Whether an array is as `TagList` writes it, and nothing in it is escaped or beyond ASCII: most are, and then what stands
  /// between quotes is a tag.
  private static func isPlain(_ text: SpanFacts.Text) -> Bool {
    guard text.count >= 4, text[0] == UInt8(ascii: "["), text[1] == quote, text[text.count - 2] == quote,
      text[text.count - 1] == UInt8(ascii: "]")
    else { return false }
    var isInside = true
    for place in 2..<text.count - 2 {
      let byte = text[place]
      if byte == quote {
        guard isInside || text[place - 1] == UInt8(ascii: ",") else { return false }
        isInside.toggle()
      } else if isInside ? byte < 0x20 || byte >= 0x80 || byte == UInt8(ascii: "\\") : byte != UInt8(ascii: ",") {
        return false
      } else if !isInside, text[place - 1] != quote || text[place + 1] != quote {
        return false
      }
    }
    return isInside
  }

  private static func addPlain(_ text: SpanFacts.Text, to labels: inout LabelSet) {
    var start = 2
    while start < text.count {
      var end = start
      while text[end] != quote { end += 1 }
      if end > start { labels.insert(SpanFacts.Text(rebasing: text[start..<end])) }
      start = end + 3
    }
  }

  private static let quote = UInt8(ascii: "\"")
}
