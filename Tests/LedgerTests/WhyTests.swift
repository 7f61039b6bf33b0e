import EndUser
import Facts
import JSON
import OTLP
import TestSupport
import Testing

@testable import Ledger

/// Why a trace is whose it is, as the ledger's API answers.
@Suite struct WhyTests {
  private let fixture: LedgerFixture

  init() throws { fixture = try LedgerFixture() }

  private static let acceptance: UInt64 = 1_800_000_000_000_000_000

  /// A trace's spans on their way to the ledger.
  private func arrival(_ spans: [SpanStub]) throws -> Arrival {
    let rules = SpanRules()
    var extractor = FactsExtractor(plan: FactsPlan(EndUserConfiguration(), rules: rules))
    extractor.acceptance = Self.acceptance
    let batch = try IndexedRequest(SpanStub.request(spans), rules: rules).batch
    var chunk = FactsChunk()
    for position in 0..<batch.spanCount { extractor.extract(batch, at: position) { chunk.append($0) } }
    return Arrival(facts: chunk, pipeline: "traces", sequence: nil)
  }

  private func id(_ trace: UInt64) -> String {
    String(repeating: "0", count: 16)
      + SpanStub.idBytes(trace).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }

  private func why(_ trace: UInt64) throws -> JSONValue {
    let reader = try LedgerReader(path: fixture.configuration.path)
    let answer = LedgerAPI(reader).get(.trace(id(trace)), [("why", "true")])
    #expect(answer.status == 200)
    return try #require(try JSONDocument(answer.json).root?["why"])
  }

  @Test func `a root, and what gave way to it`() throws {
    try fixture.writer().apply([
      try arrival([
        SpanStub(1, ["enduser.id": "ada", "session.id": "s-1"]),
        SpanStub(2, parent: 1, ["enduser.id": "mallory", "user.id": true]),
      ])
    ])
    let why = try why(1)
    let endUser = try #require(why["end_user"])
    #expect(endUser["source"]?.string == "root" && endUser["key"]?.string == "enduser.id")
    #expect(endUser["span_id"]?.string == "0000000000000001" && endUser["convention"]?.string == "otel")
    #expect(endUser["accepted_at"]?.string == "2027-01-15T08:00:00.000Z")
    #expect(why["session"]?["key"]?.string == "session.id" && why["metadata"]?.kind == .null)
    #expect(why["unattributed"]?.kind == .null && why["complete"]?.bool == true)
    let replaced = Array(try #require(why["replaced"]).elements)
    #expect(replaced.map { $0["value"]?.string } == ["mallory"])
    #expect(replaced.map { $0["replacement"]?.string } == ["ada"])
    #expect(replaced.map { $0["span_id"]?.string } == ["0000000000000002"])
    let unused = Array(try #require(why["unused"]).elements)
    #expect(unused.map { $0["reason"]?.string } == ["wrong_type"] && unused[0]["value"]?.kind == .null)
  }

  @Test func `nothing is said that nobody asked for`() throws {
    try fixture.writer().apply([try arrival([SpanStub(1, ["enduser.id": "ada"])])])
    let reader = try LedgerReader(path: fixture.configuration.path)
    for parameters in [[], [("why", "false")]] as [[(name: String, value: String?)]] {
      let answer = LedgerAPI(reader).get(.trace(id(1)), parameters)
      #expect(try JSONDocument(answer.json).root?["why"] == nil)
    }
    #expect(LedgerAPI(reader).get(.trace(id(1)), [("why", "yes")]).status == 400)
  }

  @Test func `an end user that the session brings has the trace that names it`() throws {
    let writer = try fixture.writer()
    try writer.apply([try arrival([SpanStub(trace: 5, 1, ["enduser.id": "ada", "session.id": "s-1"])])])
    try writer.apply([try arrival([SpanStub(trace: 6, 2, start: 2_000, ["session.id": "s-1"])])])
    let why = try why(6)
    #expect(why["end_user"]?["source"]?.string == "session" && why["end_user"]?["trace_id"]?.string == id(5))
    #expect(why["end_user"]?["span_id"]?.kind == .null)
    #expect(why["unattributed"]?.string == "nobody_named")
    #expect(why["session"]?["source"]?.string == "root")
  }

  @Test func `a trace without a session is its own`() throws {
    fixture.configuration.tracesAreSessions = true
    try fixture.writer().apply([try arrival([SpanStub(1, ["enduser.id": "ada"])])])
    #expect(try why(1)["session"]?["source"]?.string == "trace")
  }

  /// The reader is not told the fallback: the row says whom the trace was attributed to.
  @Test func `the fallback is the one that the trace was attributed with`() throws {
    fixture.configuration.fallback = .none
    let spans = [
      SpanStub(1, ["langfuse.session.id": "s-1"]), SpanStub(2, parent: 1, ["enduser.id": "ada", "session.id": "s-2"]),
    ]
    try fixture.writer().apply([try arrival(spans)])
    let left = try why(1)
    #expect(left["end_user"]?.kind == .null && left["unattributed"]?.string == "fallback_none")
    #expect(left["session"]?["key"]?.string == "langfuse.session.id")
    let other = try LedgerFixture()
    try other.writer().apply([try arrival(spans)])
    let answer = LedgerAPI(try LedgerReader(path: other.configuration.path)).get(.trace(id(1)), [("why", "true")])
    #expect(try JSONDocument(answer.json).root?["why"]?["end_user"]?["source"]?.string == "topmost")
  }

  @Test func `whom the ledger forgot is named nowhere, and stays away`() throws {
    let writer = try fixture.writer()
    func spans(_ trace: UInt64) -> [SpanStub] {
      [
        SpanStub(trace: trace, trace * 10, ["enduser.id": "ada"]),
        SpanStub(
          trace: trace, trace * 10 + 1, parent: trace * 10,
          ["enduser.id": "ada", "enduser.pseudo.id": "mallory-42", "neatlogs.end_user.metadata": "{}"]),
      ]
    }
    try writer.apply([try arrival(spans(1))])
    #expect(try why(1)["replaced"]?.elements.first { _ in true }?["value"]?.string == "mallory-42")
    _ = try writer.forget(endUser: "mallory-42")
    let kept = Array(try #require(try why(1)["replaced"]).elements)
    #expect(kept.map { $0["key"]?.string } == ["enduser.pseudo.id", "neatlogs.end_user.metadata"])
    #expect(kept.allSatisfy { $0["value"]?.kind == .null })
    try writer.apply([try arrival(spans(2))])
    #expect(try why(2)["replaced"]?.elements.first { _ in true } == nil)
    #expect(try why(2)["complete"]?.bool == false)
    let trees = try fixture.rows("SELECT records FROM trees ORDER BY id")
    let name = "mallory-42".utf8.map { String($0, radix: 16) }.joined()
    #expect(trees.map { $0.contains(name) } == [true, false])
  }

  @Test func `a trace that is refused says that its end user was forgotten`() throws {
    let writer = try fixture.writer()
    try writer.apply([try arrival([SpanStub(1, ["enduser.id": "ada"])])])
    _ = try writer.forget(endUser: "ada")
    let answer = LedgerAPI(try LedgerReader(path: fixture.configuration.path)).get(.trace(id(1)), [("why", "true")])
    #expect(answer.status == 404)
    #expect(String(decoding: answer.json, as: UTF8.self).contains("its end user was forgotten"))
  }
}
