import EndUser
import Facts
import Prices
import TestSupport
import Testing

/// What counts of a trace's tokens and costs. Costs are billionths of a dollar: a token of `cheap` costs 1000.
@Suite struct TraceUsageTests {
  private func usage(_ spans: [OwnedFacts]) -> (input: Int64?, output: Int64?, cost: Int64?, unpriced: [String: Int]) {
    let facts = trace(spans)
    return (facts.tokens.input, facts.tokens.output, facts.cost, facts.unpriced)
  }

  @Test func `adds up calls and leaves out the totals above them`() {
    let spans = [
      span(1, .workflow, tokens: (999, 999)), span(2, under: 1, .agent, tokens: (111, 111)),
      span(3, under: 2, .llm, tokens: (100, 20), model: "cheap"), span(4, under: 2, .tool),
      span(5, under: 4, .llm, tokens: (10, 1), model: "dear"),
    ]
    #expect(usage(spans) == (110, 21, 120 * 1000 + 11 * 10_000, [:]))
    #expect(usage(spans.reversed()) == (110, 21, 120 * 1000 + 11 * 10_000, [:]))
  }

  @Test func `counts a total where nothing below it has any`() {
    let spans = [span(1, .agent, tokens: (50, 5), model: "cheap"), span(2, under: 1, .llm), span(3, under: 2, .tool)]
    #expect(usage(spans) == (50, 5, 55_000, [:]))
  }

  @Test func `counts a call inside a call once, the inner one`() {
    let spans = [
      span(1, .llm, tokens: (102, 20), model: "dear"), span(2, under: 1, .llm, tokens: (100, 20), model: "cheap"),
    ]
    #expect(usage(spans) == (100, 20, 120_000, [:]))
  }

  @Test func `looks through spans between a total and what it sums up`() {
    let spans = [
      span(1, .agent, tokens: (9, 9)), span(2, under: 1), span(3, under: 2), span(4, under: 3, .llm, tokens: (1, 2)),
    ]
    #expect(usage(spans) == (1, 2, nil, ["": 1]))
  }

  @Test func `knows nothing where nobody told, and zero where somebody did`() {
    let silent = trace([span(1, .llm, model: "cheap"), span(2, under: 1, .tool)])
    #expect(silent.tokens.isEmpty && silent.cost == nil && silent.unpriced.isEmpty)
    let free = trace([span(1, .llm, tokens: (0, 0), model: "cheap")])
    #expect(free.tokens.input == 0 && free.tokens.total == 0 && free.cost == 0)
    #expect(free.tokens.cacheRead == nil)
  }

  @Test func `adds what some spans know of a field`() {
    let facts = trace([
      span(1, .llm, tokens: (10, 1)) { $0.tokens.cacheRead = 4 }, span(2, .llm, tokens: (20, 2)),
      span(3, .llm) { $0.tokens.reasoning = 7 },
    ])
    #expect(facts.tokens.input == 30 && facts.tokens.output == 3 && facts.tokens.cacheRead == 4)
    #expect(facts.tokens.reasoning == 7 && facts.tokens.cacheWrite == nil)
  }

  @Test func `takes a total as told, else what is known of both ways`() {
    #expect(trace([span(1, .llm, tokens: (10, 1)) { $0.tokens.total = 15 }]).tokens.total == 15)
    #expect(trace([span(1, .llm, tokens: (10, 1))]).tokens.total == 11)
    #expect(trace([span(1, .embedding) { $0.tokens.input = 10 }]).tokens.total == 10)
    #expect(trace([span(1, .llm) { $0.tokens.cacheRead = 10 }]).tokens.total == nil)
  }

  @Test func `takes what a span says it cost before the price table`() {
    #expect(usage([span(1, .llm, tokens: (100, 20), cost: 5, model: "cheap")]) == (100, 20, 5, [:]))
    #expect(usage([span(1, .llm, tokens: (100, 20), cost: 5, model: "strange")]) == (100, 20, 5, [:]))
    #expect(usage([span(1, .llm, tokens: (100, 20), cost: 0, model: "cheap")]) == (100, 20, 0, [:]))
    #expect(usage([span(1, .llm, cost: 5)]) == (nil, nil, 5, [:]))
  }

  @Test func `counts told costs at the deepest spans that tell any`() {
    let spans = [
      span(1, .workflow, cost: 900), span(2, under: 1, .agent, cost: 90), span(3, under: 2, .llm, cost: 5),
      span(4, under: 2, .llm, cost: 6), span(5, under: 1, .agent, cost: 70), span(6, under: 5, .tool),
    ]
    #expect(usage(spans) == (nil, nil, 5 + 6 + 70, [:]))
  }

  @Test func `takes the told cost of a call for the call inside it`() {
    let spans = [span(1, .llm, tokens: (1, 1), cost: 5), span(2, under: 1, .llm, tokens: (100, 20), model: "cheap")]
    #expect(usage(spans) == (100, 20, 5, [:]))
    let strange = [
      span(1, .llm, cost: 5), span(2, under: 1), span(3, under: 2, .llm, tokens: (100, 20), model: "strange"),
    ]
    #expect(usage(strange) == (100, 20, 5, [:]))
  }

  @Test func `takes an agent's told cost only where nothing below it can be priced`() {
    let known = span(2, under: 1, .llm, tokens: (100, 20), model: "cheap")
    let strange = span(3, under: 1, .llm, tokens: (1, 1), model: "strange")
    #expect(usage([span(1, .agent, cost: 5), known]) == (100, 20, 120_000, [:]))
    #expect(usage([span(1, .agent, cost: 5), strange]) == (1, 1, 5, [:]))
    #expect(usage([span(1, .agent, cost: 5), known, strange]) == (101, 21, 120_000, ["strange": 1]))
    #expect(usage([span(1, .agent, tokens: (7, 7), cost: 5, model: "cheap")]) == (7, 7, 5, [:]))
  }

  @Test func `prices the calls beside one that tells its cost`() {
    let spans = [
      span(1, .agent, cost: 900), span(2, under: 1, .llm, tokens: (1, 1), cost: 5, model: "cheap"),
      span(3, under: 1, .llm, tokens: (2, 2), model: "cheap"),
      span(4, under: 1, .llm, tokens: (3, 3), model: "strange"),
    ]
    #expect(usage(spans) == (6, 6, 5 + 4000, ["strange": 1]))
  }

  @Test func `counts calls of unknown models by name`() {
    let spans = [
      span(1, .llm, tokens: (1, 1), model: "strange"), span(2, .llm, tokens: (1, 1), model: "odd"),
      span(3, .llm, tokens: (1, 1), model: "strange"), span(4, .llm, tokens: (1, 1)), span(5, .llm, model: "silent"),
    ]
    #expect(usage(spans) == (4, 4, nil, ["strange": 2, "odd": 1, "": 1]))
  }

  @Test func `keeps few names of unknown models, and counts all calls`() {
    let spans = (1...100).map { span($0, .llm, tokens: (1, 1), model: "model \($0)") }
    let unpriced = trace(spans).unpriced
    #expect(unpriced.count == 65 && unpriced[""] == 36 && unpriced["model 64"] == 1)
  }

  @Test func `prices by what is known of both ways and their sum`() {
    func cost(_ kind: ObservationKind, _ tokens: (inout TokenCounts) -> Void) -> Int64? {
      trace([span(1, kind, model: "cheap") { tokens(&$0.tokens) }]).cost
    }
    #expect(cost(.llm) { ($0.total, $0.output) = (10, 3) } == 10_000)
    #expect(cost(.llm) { ($0.total, $0.input) = (10, 3) } == 10_000)
    #expect(cost(.embedding) { $0.input = 3 } == 3000)
    #expect(cost(.embedding) { $0.total = 3 } == 3000)
    #expect(cost(.llm) { $0.total = 3 } == nil)
    #expect(cost(.llm) { ($0.total, $0.input) = (.min, 3) } == 3000)
  }

  /// By the built-in table.
  private func builtInCost(of span: OwnedFacts) -> Int64? {
    var reader = TraceFactsReader(prices: PriceTable(builtIn: true, overrides: []), fallback: .none)
    return span.record.withUnsafeBytes { records in reader.read(records) { $0.cost } }
  }

  /// gemini-2.5-pro: 1.25 in and 10 out for a million, twice and half as much again above 200,000 in.
  @Test func `prices a sum over calls as no longer than its calls may be`() {
    func cost(_ kind: ObservationKind) -> Int64? {
      builtInCost(of: span(1, kind, tokens: (250_000, 100), model: "gemini-2.5-pro"))
    }
    #expect(cost(.agent) == 313_500_000 && cost(.workflow) == 313_500_000)
    #expect(cost(.llm) == 626_500_000)
  }

  /// claude-sonnet-4-6: 3 in for a million, and 6 for long inputs until 2026-03-13.
  @Test func `prices a call at an unknown time by the latest prices`() {
    func cost(at time: UInt64) -> Int64? {
      builtInCost(
        of: span(1, .llm, tokens: (300_000, 0), model: "claude-sonnet-4-6") { ($0.start, $0.end) = (time, time) })
    }
    #expect(cost(at: 1) == 1_800_000_000 && cost(at: 0) == 900_000_000)
  }

  @Test func `stays within what a number holds`() {
    let spans = (1...3).map { span($0, .llm, tokens: (.max, .max), cost: .max, model: "cheap") }
    #expect(usage(spans) == (.max, .max, .max, [:]))
    #expect(trace([span(1, .llm, tokens: (.max, .max), model: "dear")]).cost == .max)
  }

  @Test func `leaves out what a completion marker says`() {
    let marker = span(2, under: 1, .llm, tokens: (5, 5), cost: 7) { $0.flags.insert(.completionMarker) }
    #expect(usage([span(1, .llm, tokens: (1, 1), model: "cheap"), marker]) == (1, 1, 2000, [:]))
  }

  @Test func `tells what counts of each span, in a forest`() {
    let parts = counted([
      span(3, under: 2, .llm, tokens: (1, 1), model: "cheap"), span(1, .agent, tokens: (9, 9)),
      span(2, under: 1, .llm, tokens: (8, 8), cost: 6), span(2, under: 3, .llm, tokens: (4, 4)),
      span(4, under: 77, .llm, tokens: (2, 3), model: "strange"), span(5, under: 5), span(6, under: 7),
      span(7, under: 6),
    ])
    #expect(parts.map(\.id) == [3, 1, 2, 4, 5, 6, 7])
    #expect(parts.map(\.parent) == [2, nil, 1, nil, nil, nil, 5])
    #expect(parts.map(\.counted.cost) == [nil, nil, 6, nil, nil, nil, nil])
    #expect(parts.map(\.counted.tokens.input) == [1, nil, nil, 2, nil, nil, nil])
    #expect(parts.map(\.counted.tokens.total) == [2, nil, nil, 5, nil, nil, nil])
    #expect(parts.map(\.counted.isUnpriced) == [false, false, false, true, false, false, false])
  }
}
