import EndUser

/// Whose a trace is, and how it is called.
extension TraceFactsReader {
  func attribute(_ facts: inout TraceFacts) {
    var speakers = Speakers(spans, tree)
    if let place = speakers.first(fallback, { !$0.endUser.isEmpty }) {
      facts.endUser = String(decoding: spans[place].endUser, as: UTF8.self)
      if !spans[place].metadata.isEmpty { facts.metadata = Array(spans[place].metadata) }
    }
    if let place = speakers.first(fallback, { !$0.session.isEmpty }) {
      facts.session = String(decoding: spans[place].session, as: UTF8.self)
    }
    facts.name = name().map { String(decoding: $0, as: UTF8.self) }
  }

  /// What a root says that it is part of, else what any span does, the earliest first; else how a root is called, or what
  /// stands for one.
  private func name() -> SpanFacts.Text? {
    if let root = spans.first(where: { $0.isRoot && !$0.workflow.isEmpty }) { return root.workflow }
    let named = spans.filter { !$0.workflow.isEmpty }.min { ($0.start, $0.spanID) < ($1.start, $1.spanID) }
    if let named { return named.workflow }
    let root = spans.first { $0.isRoot && !$0.name.isEmpty } ?? spans.first { $0.isLocalRoot && !$0.name.isEmpty }
    return root?.name
  }
}

/// Finds the span that speaks for a trace, as the `enduser` processor does: a root, of several the first; where none has come a
/// local root; else, with the fallback, any span. Of those that may, the one with the fewest known spans above it speaks, then
/// the earliest, then that with the smallest id.
private struct Speakers {
  private let spans: [SpanFacts]
  private let tree: SpanTree
  private let hasRoot: Bool
  private var depths: [Int32] = []

  init(_ spans: [SpanFacts], _ tree: SpanTree) {
    self.spans = spans
    self.tree = tree
    hasRoot = spans.contains { $0.isRoot }
  }

  mutating func first(_ fallback: EndUserConfiguration.Fallback, _ claims: (SpanFacts) -> Bool) -> Int? {
    if let root = spans.firstIndex(where: { $0.isRoot && claims($0) }) { return root }
    if !hasRoot, let local = topmost({ $0.isLocalRoot && claims($0) }) { return local }
    return fallback == .topmost ? topmost(claims) : nil
  }

  private mutating func topmost(_ qualifies: (SpanFacts) -> Bool) -> Int? {
    var best: Int?
    for place in spans.indices where qualifies(spans[place]) {
      if let other = best {
        if rank(place) < rank(other) { best = place }
      } else {
        best = place
      }
    }
    return best
  }

  private mutating func rank(_ place: Int) -> (Int32, UInt64, UInt64) {
    if depths.isEmpty { measure() }
    return (depths[place], spans[place].start, spans[place].spanID.byteSwapped)
  }

  /// How many known spans are above each. What hangs on a circle has as many above it as there are spans.
  private mutating func measure() {
    let most = Int32(truncatingIfNeeded: tree.count)
    depths = Array(repeating: 0, count: tree.count)
    for cut in tree.cuts { depths[Int(cut)] = most }
    for place in tree.upwards.reversed() {
      let parent = tree.parents[Int(place)]
      if parent >= 0 { depths[Int(place)] = min(most, depths[Int(parent)] + 1) }
    }
  }
}

extension SpanFacts {
  var isRoot: Bool { !flags.contains(.hasParent) }
  var isLocalRoot: Bool { !flags.isDisjoint(with: [.remoteParent, .applicationRoot]) }
}
