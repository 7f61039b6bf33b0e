import OTLP

/// Models and tags as bytes: traces that have the same of them, in the same order, are told by comparing these.
package struct LabelTexts: Sendable, Hashable {
  package enum Kind: UInt8, Sendable {
    case model, tag
  }

  /// For each its kind, a byte; its length, a varint; and its text.
  private var bytes: [UInt8] = []

  package init() {}

  package var isEmpty: Bool { bytes.isEmpty }

  mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

  mutating func append(_ text: SpanFacts.Text, _ kind: Kind) {
    bytes.append(kind.rawValue)
    Varint.append(text.count, to: &bytes)
    bytes.append(contentsOf: text)
  }

  /// Those of a kind, in their order.
  package func strings(_ kind: Kind) -> [String] {
    var strings: [String] = []
    bytes.withUnsafeBytes { bytes in
      var reader = ByteReader(bytes)
      while !reader.isAtEnd {
        let code = reader.byte()
        let text = reader.take(reader.varint())
        if code == kind.rawValue { strings.append(String(decoding: text, as: UTF8.self)) }
      }
    }
    return strings
  }

  // As one run of bytes: an array's own way takes them one by one.
  package func hash(into hasher: inout Hasher) {
    bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
  }
}
