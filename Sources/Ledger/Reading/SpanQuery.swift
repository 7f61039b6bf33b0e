import Facts
package import Filters
import JSON
import OTLP

/// Which of a trace's spans are wanted, one by one instead of as a tree, and in what order.
package struct SpanQuery: Sendable {
  private let predicate: SpanPredicate?
  private let order: ListSort?
  private let since: Int64?
  private let until: Int64?

  /// Numbers are largest, or latest, first when they are asked for; without a key, spans come in the order of time.
  private static let keys: [SortKey] = [
    .number("timestamp", ""), .number("latency", ""), .number("tokens", "", nullable: true),
    .number("cost", "", nullable: true), .text("name", ""),
  ]

  /// - Parameters:
  ///   - filter: of spans, whose tokens and cost are those that count of them.
  ///   - sort: a key, perhaps with its direction.
  ///   - since: spans that start then or later; nanoseconds since the Unix epoch.
  ///   - until: spans that start before; likewise.
  /// - Throws: LedgerQueryError, for fields that spans have not and unknown keys.
  package init(filter: Filter?, sort: String?, since: Int64?, until: Int64?) throws(LedgerQueryError) {
    do throws(FilterError) {
      if let filter { predicate = try SpanPredicate(filter) } else { predicate = nil }
    } catch {
      throw .filter(error)
    }
    order = if let sort { try ListSort(sort, of: Self.keys) } else { nil }
    (self.since, self.until) = (since, until)
  }

  /// Whether a span is one of those; `document` is scratch memory.
  func admits(
    _ facts: borrowing SpanFacts, _ counted: CountedUsage, of trace: borrowing TraceIdentity, _ document: JSONDocument
  ) -> Bool {
    let start = Int64(clamping: facts.start)
    guard start >= since ?? .min, until.map({ start < $0 }) ?? true else { return false }
    guard let predicate else { return true }
    var shown = copy facts
    (shown.tokens, shown.cost) = (counted.tokens, counted.cost)
    return trace.withIdentity(of: &shown) { predicate.matches($0, using: document) }
  }

  /// What is unknown comes last, whichever way the rest goes; of equal ones the earlier first.
  func precedes(_ one: SpanNode, _ other: SpanNode) -> Bool {
    guard let order else { return SpanNode.precedes(one, other) }
    if order.key.kind == .text {
      if one.name != other.name { return (one.name < other.name) != order.isDescending }
    } else {
      let (value, next) = (Self.value(order.key.name, of: one), Self.value(order.key.name, of: other))
      if value != next {
        guard let value, let next else { return next == nil }
        return (value < next) != order.isDescending
      }
    }
    return SpanNode.precedes(one, other)
  }

  private static func value(_ key: String, of span: SpanNode) -> Int64? {
    switch key {
    case "timestamp": span.start
    case "latency": span.duration
    case "tokens": span.tokens.total
    default: span.cost
    }
  }
}

/// What all spans of a trace have from it.
struct TraceIdentity {
  private let id: TraceID
  private let endUser: [UInt8]
  private let session: [UInt8]
  private let metadata: [UInt8]

  init(_ trace: ListedTrace) {
    var id = TraceID(first: 0, second: 0)
    if let bytes = Hexadecimal.bytes(trace.trace, count: 16) {
      withUnsafeMutableBytes(of: &id) { $0.copyBytes(from: bytes) }
    }
    self.id = id
    endUser = Array((trace.endUser ?? "").utf8)
    session = Array((trace.session ?? "").utf8)
    metadata = Array((trace.metadata ?? "").utf8)
  }

  /// Lends a span's facts with these in the place of its own.
  func withIdentity(of facts: inout SpanFacts, _ body: (borrowing SpanFacts) -> Bool) -> Bool {
    endUser.withUnsafeBytes { endUser in
      session.withUnsafeBytes { session in
        metadata.withUnsafeBytes { metadata in
          facts.trace = id
          if !endUser.isEmpty { facts.endUser = endUser }
          if !session.isEmpty { facts.session = session }
          if !metadata.isEmpty { facts.metadata = metadata }
          return body(facts)
        }
      }
    }
  }
}
