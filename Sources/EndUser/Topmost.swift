import OTLP

/// Who speaks when no root does: of the spans that may, the one with the fewest known parents above it, then the earliest
/// start, then the smallest id, so that the order of arrival does not matter.
enum Topmost {
  /// The span that speaks, of all known spans of a trace; nil when none qualifies.
  static func choose(among spans: [SpanView], where qualifies: (SpanView) -> Bool) -> SpanView? {
    let candidates = spans.filter(qualifies)
    guard candidates.count > 1 else { return candidates.first }
    var depths = Depths(spans)
    return candidates.map { (span: $0, depth: depths.depth(of: $0.spanID)) }.min { one, other in
      (one.depth, one.span.start, one.span.spanID.byteSwapped)
        < (other.depth, other.span.start, other.span.spanID.byteSwapped)
    }?.span
  }

  /// How many known spans are above each: each span is looked at once, however many ask.
  private struct Depths {
    private let parents: [UInt64: UInt64]
    private var known: [UInt64: Int] = [:]

    init(_ spans: [SpanView]) {
      parents = Dictionary(spans.map { ($0.spanID, $0.parentID) }) { first, _ in first }
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
