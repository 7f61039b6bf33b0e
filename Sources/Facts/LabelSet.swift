/// A few distinct texts in order of first appearance, with how often each came. Text is borrowed until it is asked for.
struct LabelSet {
  private var texts: [SpanFacts.Text] = []
  private var numbers: [Int] = []
  /// How often others came when there was no room for them.
  private var others = 0

  var isEmpty: Bool { texts.isEmpty && others == 0 }

  mutating func clear() {
    texts.removeAll(keepingCapacity: true)
    numbers.removeAll(keepingCapacity: true)
    others = 0
  }

  mutating func insert(_ text: SpanFacts.Text) {
    let text = Self.cut(text)
    for place in texts.indices where texts[place].elementsEqual(text) {
      numbers[place] += 1
      return
    }
    if texts.count == TraceFacts.mostLabels {
      others += 1
    } else {
      texts.append(text)
      numbers.append(1)
    }
  }

  var strings: [String] {
    texts.isEmpty ? [] : texts.map { String(decoding: $0, as: UTF8.self) }
  }

  /// How often each came; what there was no room for is under the empty name.
  var dictionary: [String: Int] {
    var result: [String: Int] = [:]
    for (text, number) in zip(strings, numbers) { result[text, default: 0] += number }
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
