import OTLP

/// Who speaks when no root does: of the spans that may, the one with the fewest known parents above it, then the earliest
/// start, then the smallest id, so that the order of arrival does not matter.
enum Topmost {
  /// - Parameters:
  ///   - spans: calls its argument with each known span of the trace, every time it is called.
  ///   - qualifies: whether a span may speak.
  /// - Returns: the span that speaks; borrowed like the spans.
  static func choose(
    among spans: ((SpanView) -> Void) -> Void, where qualifies: (SpanView) -> Bool
  ) -> SpanView? {
    var candidates: [SpanView] = []
    var parents: [UInt64: UInt64] = [:]
    spans { span in
      parents[span.spanID] = span.parentID
      if qualifies(span) { candidates.append(span) }
    }
    guard candidates.count > 1 else { return candidates.first }
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
