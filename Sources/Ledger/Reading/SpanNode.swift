import EndUser
package import Facts
import JSON
import Prices

/// A span in its trace's tree, with what counts of it.
package struct SpanNode: Sendable, Equatable {
  /// 16 hexadecimal digits.
  package var span: String
  /// The one that the span names, known or not.
  package var parent: String?
  package var name: String
  package var kind: ObservationKind
  /// Nanoseconds since the Unix epoch.
  package var start: Int64
  /// Nanoseconds.
  package var duration: Int64
  package var isError: Bool
  package var statusMessage: String?
  package var model: String?
  /// Empty where spans below count instead.
  package var tokens: TokenCounts
  /// Billionths of a US dollar.
  package var cost: Int64?
  /// By their start, then by their id.
  package var children: [SpanNode] = []

  /// How deep trees are shown: spans further down stand beside one another there. Readers of JSON give up somewhere.
  package static let mostLevels = 200

  /// The observations among a trace's `SpanRecord`s as a forest.
  static func forest(of records: [UInt8], prices: PriceTable) -> [SpanNode] {
    var nodes: [SpanNode] = []
    var parents: [Int?] = []
    // Places of the observations among all spans.
    var places: [Int?] = []
    var reader = TraceFactsReader(prices: prices, fallback: .none)
    records.withUnsafeBytes { records in
      reader.readSpans(records) { facts, parent, counted in
        if facts.flags.contains(.completionMarker) {
          places.append(nil)
        } else {
          places.append(nodes.count)
          nodes.append(SpanNode(facts, counted))
          parents.append(parent)
        }
      }
    }
    return assemble(nodes, parents.map { $0.flatMap { places[$0] } })
  }

  /// The observations of a trace that are asked for, each without what is below it.
  static func list(
    of records: [UInt8], in trace: ListedTrace, prices: PriceTable, _ query: SpanQuery
  ) -> [SpanNode] {
    var nodes: [SpanNode] = []
    let identity = TraceIdentity(trace)
    let document = JSONDocument()
    var reader = TraceFactsReader(prices: prices, fallback: .none)
    records.withUnsafeBytes { records in
      reader.readSpans(records) { facts, _, counted in
        guard !facts.flags.contains(.completionMarker), query.admits(facts, counted, of: identity, document) else {
          return
        }
        nodes.append(SpanNode(facts, counted))
      }
    }
    return nodes.sorted(by: query.precedes)
  }

  private init(_ facts: borrowing SpanFacts, _ counted: CountedUsage) {
    span = Self.id(facts.spanID)
    parent = facts.flags.contains(.hasParent) ? Self.id(facts.parentID) : nil
    name = String(decoding: facts.name, as: UTF8.self)
    kind = facts.kind
    start = Int64(clamping: facts.start)
    duration = Int64(clamping: facts.end - facts.start)
    isError = facts.flags.contains(.isError)
    statusMessage = Self.text(facts.statusMessage)
    model = Self.text(facts.model)
    tokens = counted.tokens
    cost = counted.cost
  }

  private static func text(_ bytes: SpanFacts.Text) -> String? {
    bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
  }

  private static func id(_ id: UInt64) -> String {
    withUnsafeBytes(of: id) { Hexadecimal.text($0) }
  }

  /// Hangs nodes on their parents, of which none is above itself.
  private static func assemble(_ nodes: [SpanNode], _ parents: [Int?]) -> [SpanNode] {
    var below = Array(repeating: [Int](), count: nodes.count)
    var order: [Int] = []
    for place in nodes.indices {
      if let parent = parents[place] { below[parent].append(place) } else { order.append(place) }
    }
    // Each behind its parent.
    var next = 0
    while next < order.count {
      order += below[order[next]]
      next += 1
    }
    var levels = Array(repeating: 1, count: nodes.count)
    var hooks: [Int?] = Array(repeating: nil, count: nodes.count)
    for place in order {
      guard let parent = parents[place] else { continue }
      let isTooDeep = levels[parent] == mostLevels
      hooks[place] = isTooDeep ? hooks[parent] : parent
      levels[place] = isTooDeep ? mostLevels : levels[parent] + 1
    }
    var forest: [SpanNode] = []
    var children = Array(repeating: [SpanNode](), count: nodes.count)
    for place in order.reversed() {
      var node = nodes[place]
      node.children = children[place].sorted(by: precedes)
      children[place] = []
      if let hook = hooks[place] { children[hook].append(node) } else { forest.append(node) }
    }
    return forest.sorted(by: precedes)
  }

  static func precedes(_ one: SpanNode, _ other: SpanNode) -> Bool {
    (one.start, one.span) < (other.start, other.span)
  }
}
