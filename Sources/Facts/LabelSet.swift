import Glibc
import JSON

/// A few distinct texts in order of first appearance, with how often each came. Keeps its memory for the next trace.
struct LabelSet: ~Copyable {
  /// The texts behind one another.
  private var bytes = Scratch<UInt8>()
  private var labels = Scratch<CountedTexts.Entry>()
  /// How often others came when there was no room for them.
  private var others = 0

  /// What is in it, until something is added.
  var texts: CountedTexts { CountedTexts(bytes: bytes.all, entries: labels.all, others: others) }

  mutating func clear() {
    bytes.clear()
    labels.clear()
    others = 0
  }

  /// - Parameter text: borrowed for the call.
  mutating func insert(_ text: SpanFacts.Text) {
    let text = Self.cut(text)
    if let known = find(text) {
      labels.elements[known].number += 1
    } else if labels.count == TraceFacts.mostLabels {
      others += 1
    } else {
      bytes.append(contentsOf: text.assumingMemoryBound(to: UInt8.self))
      labels.append(CountedTexts.Entry(end: bytes.count, number: 1))
    }
  }

  private func find(_ text: SpanFacts.Text) -> Int? {
    var start = 0
    for place in 0..<labels.count {
      let end = labels.elements[place].end
      if text.isSame(as: SpanFacts.Text(start: bytes.elements + start, count: end - start)) { return place }
      start = end
    }
    return nil
  }

  /// As many bytes as are kept, and no part of a character.
  @inline(__always)
  private static func cut(_ text: SpanFacts.Text) -> SpanFacts.Text {
    text.count <= TraceFacts.longestLabel ? text : text.prefix(upToCharacterAt: TraceFacts.longestLabel)
  }
}

/// Distinct texts in order of first appearance, with how often each came. Borrowed from a trace's reader.
package struct CountedTexts {
  struct Entry {
    /// Where the text ends, and the next one begins.
    var end: Int
    var number: Int
  }

  private let bytes: UnsafeBufferPointer<UInt8>
  private let entries: UnsafeBufferPointer<Entry>
  private let others: Int

  init(
    bytes: UnsafeBufferPointer<UInt8> = UnsafeBufferPointer(start: nil, count: 0),
    entries: UnsafeBufferPointer<Entry> = UnsafeBufferPointer(start: nil, count: 0), others: Int = 0
  ) {
    (self.bytes, self.entries, self.others) = (bytes, entries, others)
  }

  package var isEmpty: Bool { entries.isEmpty && others == 0 }

  /// Lends each with how often it came; last, as an empty text, those that there was no room for.
  package func forEach<Failure>(
    _ body: (_ text: SpanFacts.Text, _ number: Int) throws(Failure) -> Void
  ) throws(Failure) {
    for place in entries.indices { try body(text(place), entries[place].number) }
    if others > 0 { try body(SpanFacts.Text(start: nil, count: 0), others) }
  }

  /// Lends those that there was room for.
  @inline(__always)
  func forEachKept(_ body: (SpanFacts.Text) -> Void) {
    for place in entries.indices { body(text(place)) }
  }

  private func text(_ place: Int) -> SpanFacts.Text {
    let start = place == 0 ? 0 : entries[place - 1].end
    return SpanFacts.Text(UnsafeBufferPointer(rebasing: bytes[start..<entries[place].end]))
  }
}

extension SpanFacts.Text {
  /// Whether another one has the same bytes.
  @inline(__always)
  func isSame(as other: SpanFacts.Text) -> Bool {
    guard count == other.count else { return false }
    guard let mine = baseAddress, let its = other.baseAddress else { return true }
    return memcmp(mine, its, count) == 0
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
