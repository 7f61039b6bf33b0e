package import Facts
package import JSON
import OTLP

/// A filter, ready to be asked of many spans.
///
/// On a span, `latency` is its duration, `cost` and `tokens` are what it tells itself, and text is what it says itself.
package struct SpanPredicate: Sendable {
  private let root: Node

  /// - Throws: fields that a span has not, such as `sessions`.
  package init(_ filter: Filter) throws(FilterError) {
    root = try Node(filter.condition, of: filter)
  }

  /// Whether a span is what the filter asks for. `document` is scratch memory, for metadata and tags.
  package func matches(_ facts: borrowing SpanFacts, using document: JSONDocument) -> Bool {
    root.matches(facts, document)
  }

  fileprivate enum TextField {
    case endUser, session, workflow, name, model
  }

  fileprivate enum NumberField {
    case cost, tokens, inputTokens, outputTokens, latency
  }

  fileprivate indirect enum Node: Sendable {
    case all([Node])
    case any([Node])
    case not(Node)
    case isError
    case text(TextField, TextMatch)
    case tag(TextMatch)
    case trace(TextMatch)
    case metadata(path: [UInt8], TextMatch)
    case exists(NumberField)
    /// A field's value, times the unit, is compared with the number.
    case number(NumberField, unit: Int128, Filter.NumberOperator, Int128)

    init(_ condition: Filter.Condition, of filter: Filter) throws(FilterError) {
      switch condition {
      case .and(let conditions): self = .all(try Self.nodes(conditions, of: filter))
      case .or(let conditions): self = .any(try Self.nodes(conditions, of: filter))
      case .not(let condition): self = .not(try Node(condition, of: filter))
      case .comparison(let field, let comparison):
        guard let node = Node(field, comparison) else { throw filter.error(at: field, "a span has no “\(field.name)”") }
        self = node
      }
    }

    private static func nodes(_ conditions: [Filter.Condition], of filter: Filter) throws(FilterError) -> [Node] {
      var nodes: [Node] = []
      for condition in conditions { nodes.append(try Node(condition, of: filter)) }
      return nodes
    }

    private init?(_ field: Filter.Field, _ comparison: Filter.Comparison) {
      switch field {
      case .endUser: self = .text(.endUser, TextMatch(comparison))
      case .session: self = .text(.session, TextMatch(comparison))
      case .workflow: self = .text(.workflow, TextMatch(comparison))
      case .name: self = .text(.name, TextMatch(comparison))
      case .model: self = .text(.model, TextMatch(comparison))
      case .tag: self = .tag(TextMatch(comparison))
      case .trace: self = .trace(TextMatch(comparison))
      case .metadata(let path): self = .metadata(path: Array(path.utf8), TextMatch(comparison))
      case .error: self = .isError
      case .cost: self = Node(.cost, comparison)
      case .tokens: self = Node(.tokens, comparison)
      case .inputTokens: self = Node(.inputTokens, comparison)
      case .outputTokens: self = Node(.outputTokens, comparison)
      case .latency: self = Node(.latency, comparison)
      // Scores are given later.
      case .traces, .sessions, .observations, .errors, .firstEvent, .lastEvent, .score: return nil
      }
    }

    private init(_ field: NumberField, _ comparison: Filter.Comparison) {
      switch comparison {
      case .number(let relation, let number):
        // Costs are counted in billionths already.
        self = .number(field, unit: field == .cost ? 1 : 1_000_000_000, relation, number.billionths)
      case .duration(let relation, let nanoseconds): self = .number(field, unit: 1, relation, Int128(nanoseconds))
      default: self = .exists(field)
      }
    }

    func matches(_ facts: borrowing SpanFacts, _ document: JSONDocument) -> Bool {
      switch self {
      case .all(let nodes):
        for node in nodes where !node.matches(facts, document) { return false }
        return true
      case .any(let nodes):
        for node in nodes where node.matches(facts, document) { return true }
        return false
      case .not(let node): return !node.matches(facts, document)
      case .isError: return facts.flags.contains(.isError)
      case .text(let field, let match):
        let text = Self.text(field, of: facts)
        return text.count > 0 && match.matches(text)
      case .tag(let match): return Self.hasTag(facts, match, document)
      case .trace(let match): return Self.matches(facts.trace, match)
      case .metadata(let path, let match): return Self.hasMetadata(facts, path, match, document)
      case .exists(let field): return Self.value(field, of: facts) != nil
      case .number(let field, let unit, let relation, let number):
        guard let value = Self.value(field, of: facts) else { return false }
        return relation.holds(value * unit, number)
      }
    }
  }
}

extension SpanPredicate.Node {
  fileprivate static func text(_ field: SpanPredicate.TextField, of facts: borrowing SpanFacts) -> SpanFacts.Text {
    switch field {
    case .endUser: facts.endUser
    case .session: facts.session
    case .workflow: facts.workflow
    case .name: facts.name
    case .model: facts.model
    }
  }

  fileprivate static func value(_ field: SpanPredicate.NumberField, of facts: borrowing SpanFacts) -> Int128? {
    switch field {
    case .cost: facts.cost.map { Int128($0) }
    case .tokens: facts.tokens.total.map { Int128($0) }
    case .inputTokens: facts.tokens.input.map { Int128($0) }
    case .outputTokens: facts.tokens.output.map { Int128($0) }
    case .latency: Int128(facts.end) - Int128(facts.start)
    }
  }

  fileprivate static func hasTag(_ facts: borrowing SpanFacts, _ match: TextMatch, _ document: JSONDocument) -> Bool {
    guard facts.tags.count > 0, let tags = try? document.parse(facts.tags) else { return false }
    for tag in tags.elements {
      if let text = tag.text, text.count > 0, match.matches(text) { return true }
    }
    return false
  }

  fileprivate static func hasMetadata(
    _ facts: borrowing SpanFacts, _ path: [UInt8], _ match: TextMatch, _ document: JSONDocument
  ) -> Bool {
    guard facts.metadata.count > 0, let object = try? document.parse(facts.metadata) else { return false }
    let wanted = TextMatch.equals(path)
    var found = false
    MetadataValues.forEach(in: object) { path, value in
      if wanted.matches(path), match.matches(value) { found = true }
      return !found
    }
    return found
  }

  fileprivate static func matches(_ trace: TraceID, _ match: TextMatch) -> Bool {
    withUnsafeTemporaryAllocation(byteCount: 32, alignment: 1) { digits in
      withUnsafeBytes(of: trace) { id in
        for (position, byte) in id.enumerated() {
          digits[2 * position] = digit(byte >> 4)
          digits[2 * position + 1] = digit(byte & 15)
        }
      }
      return match.matches(UnsafeRawBufferPointer(digits))
    }
  }

  fileprivate static func digit(_ value: UInt8) -> UInt8 {
    value + (value < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10)
  }
}
