import OTLP

/// Who speaks when no root does: of the spans that may, the one with the fewest known parents above it, then the earliest
/// start, then the smallest id, so that the order of arrival does not matter.
enum Topmost {
  /// The span that speaks, of all known spans of a trace; nil when none qualifies.
  static func choose(among spans: [SpanView], where qualifies: (SpanView) -> Bool) -> SpanView? {
    let candidates = spans.filter(qualifies)
    guard candidates.count > 1 else { return candidates.first }
    let parents = Dictionary(spans.map { ($0.spanID, $0.parentID) }) { first, _ in first }
    return candidates.map { (span: $0, depth: depth(of: $0, parents)) }.min { one, other in
      (one.depth, one.span.start, one.span.spanID.byteSwapped)
        < (other.depth, other.span.start, other.span.spanID.byteSwapped)
    }?.span
  }

  /// Known spans above one. Parents that form a circle end the count.
  private static func depth(of span: SpanView, _ parents: [UInt64: UInt64]) -> Int {
    var depth = 0
    var at = span.parentID
    while at != 0, depth <= parents.count, let above = parents[at] {
      depth += 1
      at = above
    }
    return depth
  }
}
