/// What a `filter` processor does with spans.
package struct SpanFilter: Sendable {
  package enum Effect: String, Sendable, CaseIterable {
    /// Spans that the filter asks for go on, others don't.
    case keep
    /// The other way round.
    case drop
  }

  let effect: Effect
  let predicate: SpanPredicate

  /// - Throws: fields that a span has not.
  package init(_ effect: Effect, _ filter: Filter) throws(FilterError) {
    self.effect = effect
    predicate = try SpanPredicate(filter)
  }
}
