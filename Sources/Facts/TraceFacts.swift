package import EndUser
package import Prices

/// What a trace is, by what its spans say. `TraceFactsReader` makes it.
package struct TraceFacts: Sendable, Equatable {
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
  package var unpriced: [String: Int] = [:]

  package var endUser: String?
  package var session: String?
  package var name: String?
  /// End-user metadata, a JSON object.
  package var metadata: [UInt8]?
  /// Models, then tags.
  package var labels = LabelTexts()
  /// Distinct, in order of first appearance, `mostLabels` at most, each cut at `longestLabel` bytes.
  package var models: [String] { labels.strings(.model) }
  /// Likewise.
  package var tags: [String] { labels.strings(.tag) }

  /// Nanoseconds.
  package var latency: UInt64 { end - start }

  package static let mostLabels = 64
  package static let longestLabel = 200

  package init() {}

  /// Of a trace's `SpanRecord`s. Where there are many traces, keep a `TraceFactsReader`.
  package init(
    records: UnsafeRawBufferPointer, prices: PriceTable, fallback: EndUserConfiguration.Fallback
  ) {
    var reader = TraceFactsReader(prices: prices, fallback: fallback)
    self = reader.read(records)
  }
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
