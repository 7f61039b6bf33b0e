import OTLP

/// Who speaks when no root does: of the spans that may, the one with the fewest known parents above it, then the earliest
/// start, then the smallest id, so that the order of arrival does not matter.
///
/// Looks at the spans one by one and keeps a few numbers of each, since a trace may be larger than memory.
struct Topmost {
  private struct Candidate {
    let span: UInt64
    let start: UInt64
    /// Whatever the caller finds it by.
    let place: Int
  }

  private var spans: [(id: UInt64, parent: UInt64)] = []
  private var candidates: [Candidate] = []

  /// The span that speaks, of all known spans of a trace; nil when none qualifies.
  static func choose(among spans: [SpanView], where qualifies: (SpanView) -> Bool) -> SpanView? {
    var topmost = Topmost()
    for (place, span) in spans.enumerated() { topmost.look(at: span, place: place, qualifies: qualifies(span)) }
    return topmost.choice.map { spans[$0.place] }
  }

  /// Takes note of a span.
  mutating func look(at span: SpanView, place: Int, qualifies: Bool) {
    spans.append((span.spanID, span.parentID))
    if qualifies { candidates.append(Candidate(span: span.spanID, start: span.start, place: place)) }
  }

  /// Who speaks, of the spans that were looked at.
  var choice: (span: UInt64, place: Int)? {
    guard candidates.count > 1 else { return candidates.first.map { ($0.span, $0.place) } }
    var depths = Depths(spans)
    return candidates.map { (candidate: $0, depth: depths.depth(of: $0.span)) }.min { one, other in
      (one.depth, one.candidate.start, one.candidate.span.byteSwapped)
        < (other.depth, other.candidate.start, other.candidate.span.byteSwapped)
    }.map { ($0.candidate.span, $0.candidate.place) }
  }

  /// How many known spans are above each: each span is looked at once, however many ask.
  private struct Depths {
    private let parents: [UInt64: UInt64]
    private var known: [UInt64: Int] = [:]

    init(_ spans: [(id: UInt64, parent: UInt64)]) {
      parents = Dictionary(spans.lazy.map { ($0.id, $0.parent) }) { first, _ in first }
    }

    /// What hangs on a circle of parents has as many above it as there are spans.
    mutating func depth(of span: UInt64) -> Int {
      var path: [UInt64] = []
      var at: UInt64? = span
      while let current = at, parents[current] != nil, known[current] == nil {
        known[current] = Self.underWay
        path.append(current)
        at = parents[current]
      }
      // Below the top the count goes on from what is known above the path; a top has nothing known above it.
      var above = at.flatMap { known[$0] }.map { $0 == Self.underWay ? parents.count : $0 } ?? -1
      for below in path.reversed() {
        above = min(above + 1, parents.count)
        known[below] = above
      }
      return known[span] ?? 0
    }

    private static let underWay = -1
  }
}
