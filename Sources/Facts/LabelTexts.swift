import OTLP

/// What the spans of a trace say of models and tags, as bytes: whether traces say the same is told by comparing these. Borrowed
/// from a trace's reader.
package struct LabelTexts {
  package enum Kind: UInt8, Sendable {
    case model, tag
  }

  /// For each its kind, a byte; its length, a varint; and its text. Models come first, each once; then what spans say of tags,
  /// JSON arrays that nobody has looked into.
  package let bytes: SpanFacts.Text

  init(_ bytes: SpanFacts.Text = SpanFacts.Text(start: nil, count: 0)) {
    self.bytes = bytes
  }

  package var isEmpty: Bool { bytes.isEmpty }

  /// Models or tags, distinct, in order of first appearance, `TraceFacts.mostLabels` at most, each cut at
  /// `TraceFacts.longestLabel` bytes.
  package func strings(_ kind: Kind) -> [String] {
    var labels = LabelSet()
    var tagReader = TagReader()
    var reader = ByteReader(bytes)
    while !reader.isAtEnd {
      let code = reader.byte()
      let text = reader.take(reader.varint())
      guard code == kind.rawValue else { continue }
      switch kind {
      case .model: labels.insert(text)
      case .tag: tagReader.add(text, to: &labels)
      }
    }
    var strings: [String] = []
    labels.texts.forEachKept { strings.append(String(decoding: $0, as: UTF8.self)) }
    return strings
  }
}

/// Writes what the spans of a trace say of models and tags. Keeps its memory for the next trace.
struct LabelWriter: ~Copyable {
  private var bytes = Scratch<UInt8>()
  private var models = LabelSet()

  /// What was written, until the next is.
  var texts: LabelTexts { LabelTexts(SpanFacts.Text(bytes.all)) }

  mutating func write(_ spans: TraceFactsReader.Spans) {
    bytes.clear()
    models.clear()
    for place in spans.indices where !spans[place].model.isEmpty { models.insert(spans[place].model) }
    models.texts.forEachKept { append($0, .model) }
    // Those of a trace mostly say the same.
    var last = SpanFacts.Text(start: nil, count: 0)
    for place in spans.indices where !spans[place].tags.isEmpty {
      if !spans[place].tags.isSame(as: last) { append(spans[place].tags, .tag) }
      last = spans[place].tags
    }
  }

  private mutating func append(_ text: SpanFacts.Text, _ kind: LabelTexts.Kind) {
    let start = UnsafeMutableRawPointer(bytes.reserve(1 + Varint.size(text.count) + text.count))
    start.storeBytes(of: kind.rawValue, as: UInt8.self)
    let behind = Varint.write(text.count, to: start + 1)
    UnsafeMutableRawBufferPointer(start: behind, count: text.count).copyMemory(from: text)
    bytes.addReserved(behind + text.count - start)
  }
}
