import EndUser
import Facts
import TestSupport
import Testing

@Suite struct TraceFactsTests {
  private func text(_ string: String) -> [UInt8] { Array(string.utf8) }

  private func claim(
    _ id: UInt64, under parent: UInt64 = 0, user: String = "", session: String = "", metadata: String = "",
    start: UInt64 = 10, _ flags: SpanFacts.Flags = []
  ) -> OwnedFacts {
    span(id, under: parent) {
      ($0.endUser, $0.session, $0.metadata) = (text(user), text(session), text(metadata))
      $0.start = start
      $0.flags.formUnion(flags)
    }
  }

  @Test func `spans from the earliest start to the latest end`() {
    let facts = trace([
      span(1) { ($0.start, $0.end) = (100, 200) }, span(2, under: 1) { ($0.start, $0.end) = (90, 150) },
      span(3, under: 1) { ($0.start, $0.end, $0.flags) = (120, 260, [.hasParent, .isError]) },
    ])
    #expect(facts.start == 90 && facts.end == 260 && facts.latency == 170)
    #expect(facts.observations == 3 && facts.errors == 1)
  }

  @Test func `does not observe completion markers`() {
    let marker = span(2, under: 1) {
      ($0.start, $0.end, $0.flags) = (1, 999, [.hasParent, .completionMarker, .isError])
    }
    let facts = trace([span(1) { ($0.start, $0.end) = (100, 200) }, marker])
    #expect(facts.start == 100 && facts.end == 200 && facts.observations == 1 && facts.errors == 0)
    let alone = trace([marker])
    #expect(alone.start == 1 && alone.end == 999 && alone.observations == 0)
  }

  @Test func `takes no time for an unknown one`() {
    func timed(_ id: UInt64, _ start: UInt64, _ end: UInt64) -> OwnedFacts {
      span(id) { ($0.start, $0.end) = (start, end) }
    }
    let facts = trace([timed(1, 100, 200), timed(2, 0, 0)])
    #expect(facts.start == 100 && facts.end == 200 && facts.observations == 2)
    // As earlier versions kept spans that don't say when they began.
    let late = trace([timed(1, 100, 200), timed(2, 0, 300)])
    #expect(late.start == 100 && late.end == 300)
    let ended = trace([timed(1, 0, 300), timed(2, 0, 0)])
    #expect(ended.start == 300 && ended.end == 300)
    let timeless = trace([timed(1, 0, 0), timed(2, 0, 0)])
    #expect(timeless.start == 0 && timeless.end == 0 && timeless.observations == 2)
    var marker = timed(3, 100, 200)
    marker.flags.insert(.completionMarker)
    let marked = trace([timed(1, 0, 0), marker])
    #expect(marked.start == 100 && marked.end == 200 && marked.observations == 1)
  }

  @Test func `is nothing without spans`() {
    #expect(trace([]) == OwnedTraceFacts())
  }

  @Test func `takes the first of several spans with one id`() {
    let facts = trace([span(1, .llm, tokens: (1, 2)), span(1, .llm, tokens: (50, 50)) { $0.flags = .isError }])
    #expect(facts.observations == 1 && facts.errors == 0 && facts.tokens.input == 1)
  }

  @Test func `belongs to whom its root names, metadata with it`() {
    let facts = trace([
      claim(2, under: 1, user: "child", session: "other", metadata: "{\"a\":1}"),
      claim(1, user: "root", session: "s", metadata: "{\"b\":2}"),
    ])
    #expect(facts.endUser == "root" && facts.session == "s" && facts.metadata == text("{\"b\":2}"))
  }

  @Test func `takes of several roots the first that names somebody`() {
    let facts = trace([claim(3), claim(2, user: "two", start: 99), claim(1, user: "one", start: 1)])
    #expect(facts.endUser == "two")
  }

  @Test func `takes no metadata from who doesn't name the end user`() {
    #expect(trace([claim(1, user: "root"), claim(2, under: 1, user: "x", metadata: "{}")]).metadata == nil)
    #expect(trace([claim(1, session: "s", metadata: "{}")]).metadata == nil)
  }

  @Test func `lets a local root speak where no root has come`() {
    let spans = [claim(3, under: 2, user: "deep"), claim(2, under: 9, user: "local", .remoteParent)]
    #expect(trace(spans, fallback: .none).endUser == "local")
    let deeper = [claim(2, under: 9, user: "plain"), claim(3, under: 2, user: "local", .applicationRoot)]
    #expect(trace(deeper, fallback: .none).endUser == "local")
    #expect(trace(deeper).endUser == "local")
    // An anonymous root: then the topmost of all speaks, or nobody.
    #expect(trace(deeper + [claim(1)]).endUser == "plain")
    #expect(trace(deeper + [claim(1)], fallback: .none).endUser == nil)
  }

  @Test func `falls back to the topmost span, where it is told to`() {
    let spans = [
      claim(4, under: 3, user: "deepest", start: 1), claim(3, under: 1, user: "later", start: 9),
      claim(2, under: 1, user: "earlier", start: 8), claim(1),
    ]
    #expect(trace(spans).endUser == "earlier")
    #expect(trace(spans, fallback: .none).endUser == nil)
  }

  @Test func `takes the default of a root's resource when nobody says anything`() {
    let root = claim(1, user: "default", .endUserFromResource)
    #expect(trace([root, claim(2, under: 1, user: "child")]).endUser == "child")
    #expect(trace([root, claim(3, user: "other root")]).endUser == "other root")
    #expect(trace([root, claim(2, under: 1, user: "child")], fallback: .none).endUser == "default")
    #expect(trace([claim(2, under: 1), root]).endUser == "default")
    #expect(trace([claim(2, under: 1, user: "default", .endUserFromResource)]).endUser == nil)
  }

  @Test func `decides between equals by the smallest id`() {
    // Ids are bytes in memory: 1 is the larger one, as hexadecimal digits show it.
    let spans = [claim(1, under: 9, user: "one"), claim(256, under: 9, user: "two")]
    #expect(trace(spans).endUser == "two" && trace(spans.reversed()).endUser == "two")
  }

  @Test func `takes the metadata of a root that names nobody, as the spans do that leave`() {
    let below = claim(2, under: 1, user: "child", metadata: "{\"b\":2}")
    let facts = trace([claim(1, metadata: "{\"a\":1}"), below])
    #expect(facts.endUser == "child" && facts.metadata == text("{\"a\":1}"))
    #expect(trace([claim(1), below]).metadata == text("{\"b\":2}"))
  }

  @Test func `looks for the session on its own`() {
    let facts = trace([claim(1, user: "root"), claim(2, under: 1, session: "below")])
    #expect(facts.endUser == "root" && facts.session == "below")
    let other = trace([claim(1, session: "s"), claim(2, under: 1, user: "child", session: "below")])
    #expect(other.endUser == "child" && other.session == "s")
  }

  @Test func `is called as its root's workflow, then anybody's, then its root`() {
    func named(_ id: UInt64, under parent: UInt64 = 0, _ name: String, _ workflow: String = "", at start: UInt64 = 10)
      -> OwnedFacts
    {
      span(id, under: parent) { ($0.name, $0.workflow, $0.start) = (text(name), text(workflow), start) }
    }
    #expect(trace([named(2, under: 1, "b", "child"), named(1, "a", "root")]).name == "root")
    #expect(
      trace([named(1, "a"), named(3, under: 1, "c", "late", at: 9), named(2, under: 1, "b", "early", at: 8)]).name
        == "early")
    #expect(trace([named(2, under: 1, "b"), named(1, "a")]).name == "a")
    #expect(trace([named(2, under: 1, "b")]).name == nil)
    var local = named(2, under: 1, "b")
    local.flags.insert(.remoteParent)
    #expect(trace([named(3, under: 2, "c"), local]).name == "b")
  }

  @Test func `is called as any span says that it is, before what spans are part of`() {
    func told(_ id: UInt64, under parent: UInt64 = 0, _ name: String, at start: UInt64 = 10) -> OwnedFacts {
      span(id, under: parent) {
        ($0.workflow, $0.start) = (text(name), start)
        $0.flags.insert(.namesTrace)
      }
    }
    let root = span(1) { $0.workflow = text("workflow") }
    #expect(trace([root, told(2, under: 1, "late", at: 9), told(3, under: 1, "early", at: 8)]).name == "early")
    #expect(trace([told(2, under: 1, "child", at: 1), told(1, "root")]).name == "root")
  }

  @Test func `lists models and tags once, in order`() {
    let facts = trace([
      span(1, model: "b") { $0.tags = text("[\"x\",\"y\"]") },
      span(2, under: 1, model: "a") { $0.tags = text("[\"y\",\"ä\\n\"]") },
      span(3, under: 1, model: "b") { $0.tags = text("no JSON") },
      span(4, under: 1) { $0.tags = text("{\"x\":\"z\"}") },
      span(5, under: 1) { $0.tags = text("[1,null,\"\",[\"in\"],\"w\"]") },
    ])
    #expect(facts.models == ["b", "a"] && facts.tags == ["x", "y", "ä\n", "w"])
  }

  @Test func `bounds models and tags`() {
    let facts = trace((1...100).map { span($0, model: "model \($0)") { $0.tags = text("[\"tag \($0.spanID)\"]") } })
    #expect(facts.models == (1...64).map { "model \($0)" } && facts.tags == (1...64).map { "tag \($0)" })
    let long = trace([span(1, model: String(repeating: "a", count: 199) + "ä" + "b")])
    #expect(long.models == [String(repeating: "a", count: 199)])
    let fits = trace([span(1, model: String(repeating: "a", count: 198) + "ä" + "b")])
    #expect(fits.models == [String(repeating: "a", count: 198) + "ä"])
  }

  @Test func `reads what stands before damaged bytes`() {
    let good = span(1, .llm, tokens: (1, 2)).record
    let bytes = good + span(2, .llm, tokens: (4, 4)).record.dropLast(3)
    let facts = bytes.withUnsafeBytes { OwnedTraceFacts(records: $0, prices: testPrices, fallback: .none) }
    #expect(facts.observations == 1 && facts.tokens.input == 1)
  }

  @Test func `keeps nothing of one trace for the next`() {
    var reader = TraceFactsReader(prices: testPrices, fallback: .topmost)
    let large = (1...5000).map {
      span($0, under: $0 / 2, .llm, tokens: (1, 1), cost: 1, model: "m\($0)") { $0.endUser = text("u") }
    }
    let small = [span(2, under: 1, .llm, tokens: (3, 4), model: "cheap"), span(3, under: 2)]
    large.flatMap(\.record).withUnsafeBytes { reader.read($0) { #expect($0.observations == 5000) } }
    let facts = small.flatMap(\.record).withUnsafeBytes { reader.read($0) { OwnedTraceFacts($0) } }
    #expect(facts == trace(small))
  }
}
