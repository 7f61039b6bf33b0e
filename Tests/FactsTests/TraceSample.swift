import EndUser
import Facts
import Prices
import TestSupport

/// A span to make traces of: an observation from second 10 to second 20 unless it says otherwise.
func span(
  _ id: UInt64, under parent: UInt64 = 0, _ kind: ObservationKind = .span, tokens: (Int64, Int64)? = nil,
  cost: Int64? = nil,
  model: String = "", _ change: (inout OwnedFacts) -> Void = { _ in }
) -> OwnedFacts {
  var span = OwnedFacts()
  span.spanID = id
  span.parentID = parent
  span.flags = parent == 0 ? [] : .hasParent
  span.kind = kind
  (span.start, span.end) = (10_000_000_000, 20_000_000_000)
  if let tokens { (span.tokens.input, span.tokens.output) = tokens }
  span.cost = cost
  span.model = Array(model.utf8)
  change(&span)
  return span
}

/// What a trace of these spans is, where `cheap` costs a dollar for a million tokens, in or out, and `dear` ten.
func trace(_ spans: [OwnedFacts], fallback: EndUserConfiguration.Fallback = .topmost) -> OwnedTraceFacts {
  spans.flatMap(\.record).withUnsafeBytes { OwnedTraceFacts(records: $0, prices: testPrices, fallback: fallback) }
}

/// What counts of each span, in their order.
func counted(_ spans: [OwnedFacts]) -> [(id: UInt64, parent: Int?, counted: CountedUsage)] {
  var reader = TraceFactsReader(prices: testPrices, fallback: .none)
  var result: [(UInt64, Int?, CountedUsage)] = []
  spans.flatMap(\.record).withUnsafeBytes { records in
    reader.readSpans(records) { result.append(($0.spanID, $1, $2)) }
  }
  return result
}

let testPrices: PriceTable = {
  // The rules are right: a bad one shows as a missing price in every test.
  let rules = [("cheap", 1.0), ("dear", 10.0)].compactMap { try? PriceRule(.exact($0), input: $1, output: $1) }
  return PriceTable(builtIn: false, overrides: rules)
}()
