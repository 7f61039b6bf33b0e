import Facts
import Testing

@testable import Ledger

@Suite struct TreesTests {
  @Test func `a tree that grows span by span lies in parts, and is whole`() throws {
    let fixture = try LedgerFixture()
    var writer = try fixture.writer()
    let spans = (1...400).map { TestSpan(id: $0, parent: $0 == 1 ? 0 : 1, name: "span number \($0)") }
    for (place, span) in spans.enumerated() {
      try writer.apply([Arrival([span])])
      // From the file, and from what the writer remembers.
      if place % 37 == 0 { writer = try fixture.writer() }
    }
    let database = try Database(path: fixture.configuration.path, mode: .readOnly)
    #expect(SpanRecord.apart(try Trees.records(of: 1, in: database)) == spans.flatMap(\.record))
    let parts = try fixture.rows("SELECT length(records) FROM tree_parts").compactMap { Int($0) }
    #expect(parts.count > 3)
    #expect(parts.allSatisfy { $0 <= Trees.partSize })
    #expect(try fixture.rows("SELECT observations FROM traces") == ["400"])
  }

  @Test func `a span that repeats what one says that came before says it still`() throws {
    let fixture = try LedgerFixture()
    let writer = try fixture.writer()
    func span(_ id: UInt64) -> TestSpan {
      TestSpan(id: id, parent: id == 1 ? 0 : 1, name: "same", model: "m", endUser: "ada", session: "s", tags: #"["t"]"#)
    }
    // The third is known by then, the fifth comes twice in one request, and so does the last.
    try writer.apply([Arrival([1, 2, 3].map(span))])
    try writer.apply([Arrival([4, 3, 5, 5, 6].map(span)), Arrival([1, 6, 7, 7].map(span))])
    let database = try Database(path: fixture.configuration.path, mode: .readOnly)
    #expect(SpanRecord.apart(try Trees.records(of: 1, in: database)) == (1...7).map(span).flatMap(\.record))
  }

  @Test func `spans beyond a full tree count once, and tell nothing else`() throws {
    let fixture = try LedgerFixture()
    fixture.configuration.maxSpansPerTree = 3
    var tokens = TokenCounts()
    tokens.input = 10
    let spans = (1...6).map { id in
      TestSpan(
        id: id, parent: id == 1 ? 0 : 1, kind: .llm, isError: id == 5, isMarker: id == 6, tokens: tokens,
        model: "gpt-4o")
    }
    // The usage of the second and third: the first is above them.
    for _ in 1...2 {
      for span in spans { try fixture.writer().apply([Arrival([span])]) }
    }
    #expect(
      try fixture.rows("SELECT observations, errors, input, omitted, omitted_errors FROM traces") == ["5|1|20|2|1"])
    #expect(try fixture.rows("SELECT count(*) FROM omitted_spans") == ["3"])
  }

  @Test func `whole spans are kept where they are wanted, unless they are too large`() throws {
    let fixture = try LedgerFixture()
    fixture.configuration.maxBodyBytes = 10
    let small = [UInt8](repeating: 1, count: 10)
    try fixture.writer().apply([Arrival([TestSpan(trace: 1)], body: small)])
    #expect(try fixture.rows("SELECT count(*) FROM bodies") == ["0"])
    fixture.configuration.spanBodies = true
    let writer = try fixture.writer()
    try writer.apply([Arrival([TestSpan(trace: 2, id: 5)], body: small)])
    try writer.apply([Arrival([TestSpan(trace: 2, id: 5)], body: [9])])
    try writer.apply([Arrival([TestSpan(trace: 2, id: 6)], body: small + [1])])
    #expect(try fixture.rows("SELECT span, hex(body) FROM bodies") == ["5|01010101010101010101"])
  }

  @Test func `free pages go back to the file system`() throws {
    let fixture = try LedgerFixture()
    fixture.configuration.maxTraces = 1
    fixture.configuration.dedupWindow = .zero
    let writer = try fixture.writer()
    try writer.apply((1...3000).map { Arrival([TestSpan(trace: $0, name: String(repeating: "n", count: 200))]) })
    let full = try #require(try writer.database.int("PRAGMA page_count"))
    while try writer.retain().isUnfinished {}
    #expect(try writer.compact(leastFree: 0) { true } != nil)
    #expect(try writer.database.int("PRAGMA freelist_count") == 0)
    #expect(try #require(try writer.database.int("PRAGMA page_count")) < full / 2)
    #expect(try fixture.rows("SELECT traces FROM users") == ["1"])
  }
}
