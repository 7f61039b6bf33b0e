package import EndUser
package import Facts
package import Prices

/// What a trace is, with text of its own.
package struct OwnedTraceFacts: Equatable {
  package var start: UInt64 = 0
  package var end: UInt64 = 0
  package var observations = 0
  package var errors = 0
  package var tokens = TokenCounts()
  package var cost: Int64?
  package var unpriced: [String: Int] = [:]
  package var endUser: String?
  package var session: String?
  package var name: String?
  package var metadata: [UInt8]?
  package var models: [String] = []
  package var tags: [String] = []

  /// Nanoseconds.
  package var latency: UInt64 { end - start }

  package init() {}

  package init(_ facts: borrowing TraceFacts) {
    start = facts.start
    end = facts.end
    observations = facts.observations
    errors = facts.errors
    tokens = facts.tokens
    cost = facts.cost
    facts.unpriced.forEach { unpriced[String(decoding: $0, as: UTF8.self), default: 0] += $1 }
    endUser = Self.text(facts.endUser)
    session = Self.text(facts.session)
    name = Self.text(facts.name)
    metadata = facts.metadata.isEmpty ? nil : Array(facts.metadata)
    models = facts.labels.strings(.model)
    tags = facts.labels.strings(.tag)
  }

  /// Of a trace's `SpanRecord`s.
  package init(
    records: UnsafeRawBufferPointer, prices: PriceTable, fallback: EndUserConfiguration.Fallback
  ) {
    var reader = TraceFactsReader(prices: prices, fallback: fallback)
    self = reader.read(records) { OwnedTraceFacts($0) }
  }

  private static func text(_ bytes: SpanFacts.Text) -> String? {
    bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
  }
}
