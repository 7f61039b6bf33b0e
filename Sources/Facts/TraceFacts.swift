/// What a trace is, by what its spans say. `TraceFactsReader` makes it, and lends its text.
package struct TraceFacts {
  /// UTF-8; empty where no span says anything.
  package typealias Text = SpanFacts.Text

  /// The earliest start and the latest end of the observations, in nanoseconds since the Unix epoch. Completion markers count
  /// only where there is nothing else.
  package var start: UInt64 = 0
  package var end: UInt64 = 0
  /// Spans without completion markers.
  package var observations = 0
  /// Observations that failed.
  package var errors = 0
  /// Sums over the spans that count; what none of them knows is nil.
  package var tokens = TokenCounts()
  /// Billionths of a US dollar; nil where nothing is known to have cost anything.
  package var cost: Int64?
  /// Calls that no price is known for, by model. No name: the span names no model, or there are more models than are kept.
  package var unpriced = CountedTexts()

  package var endUser = Text(start: nil, count: 0)
  package var session = Text(start: nil, count: 0)
  package var name = Text(start: nil, count: 0)
  /// End-user metadata, a JSON object.
  package var metadata = Text(start: nil, count: 0)
  package var labels = LabelTexts()

  package static let mostLabels = 64
  package static let longestLabel = 200
}

/// What of a span counts for its trace.
package struct CountedUsage: Sendable, Equatable {
  /// Empty where spans below tell what it used, or nobody does.
  package var tokens = TokenCounts()
  /// Billionths of a US dollar, as told or by the price table; nil where others' costs count, or nothing is known.
  package var cost: Int64?
  /// Whether it should have been priced, and no price is known.
  package var isUnpriced = false

  package init() {}
}
