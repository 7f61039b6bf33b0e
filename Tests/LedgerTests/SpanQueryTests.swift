import Facts
import Filters
import Testing

@testable import Ledger

@Suite struct SpanQueryTests {
  private static let spans = [
    SampleSpan(
      trace: 1, span: 1, start: midnight, duration: 100, user: "ada", session: "s", name: "chat",
      metadata: #"{"plan":"pro"}"#),
    SampleSpan(trace: 1, span: 2, parent: 1, start: midnight + 10, duration: 30, name: "find", model: "m1", cost: 7),
    SampleSpan(
      trace: 1, span: 3, parent: 1, start: midnight + 20, duration: 30, name: "answer", model: "m2", input: 5,
      output: 4, isError: true),
    SampleSpan(trace: 1, span: 4, parent: 3, start: midnight + 25, name: "done", isMarker: true),
  ]

  private func names(
    _ filter: String? = nil, sort: String? = nil, since: UInt64? = nil, until: UInt64? = nil
  ) throws -> [String] {
    let query = try SpanQuery(
      filter: try filter.map { try Filter(parsing: $0) }, sort: sort, since: since.map { Int64($0) },
      until: until.map { Int64($0) })
    let reader = try WrittenLedger(Self.spans).reader()
    let spans = try #require(try reader.trace(SampleSpan.traceID(1), spans: query)).spans
    #expect(spans.allSatisfy { $0.children.isEmpty })
    return spans.map(\.name)
  }

  @Test func `spans stand one by one, in the order of time`() throws {
    #expect(try names() == ["chat", "find", "answer"])
    #expect(try names(since: midnight + 10) == ["find", "answer"])
    #expect(try names(until: midnight + 10) == ["chat"])
    #expect(try names(since: midnight + 10, until: midnight + 20) == ["find"])
  }

  @Test func `what is unknown comes last, whichever way the rest goes`() throws {
    #expect(try names(sort: "cost") == ["find", "chat", "answer"])
    #expect(try names(sort: "cost:asc") == ["find", "chat", "answer"])
    #expect(try names(sort: "tokens") == ["answer", "chat", "find"])
    #expect(try names(sort: "latency") == ["chat", "find", "answer"])
    #expect(try names(sort: "latency:asc") == ["find", "answer", "chat"])
    #expect(try names(sort: "timestamp") == ["answer", "find", "chat"])
    #expect(try names(sort: "name") == ["answer", "chat", "find"])
    #expect(try names(sort: "name:desc") == ["find", "chat", "answer"])
    #expect(throws: LedgerQueryError.self) { try names(sort: "errors") }
  }

  @Test func `a filter sees what counts of a span, and what its trace hands down`() throws {
    #expect(try names("model is any of (m1, m2)", sort: "name") == ["answer", "find"])
    #expect(try names("error") == ["answer"])
    #expect(try names("cost exists") == ["find"])
    #expect(try names("tokens >= 9") == ["answer"])
    #expect(try names("latency < 50ms") == ["chat", "find", "answer"])
    let all = ["chat", "find", "answer"]
    #expect(try names("end_user is ada and session is s and metadata:plan is pro") == all)
    #expect(try names("trace is \(SampleSpan.traceID(1))") == all)
    #expect(try names("trace is \(SampleSpan.traceID(2))") == [])
    #expect(throws: LedgerQueryError.self) { try names("sessions > 1") }
  }
}
