import EndUser
import OTLP
import TestSupport
import Testing

/// Traces of several tenants who send the same trace ids.
struct TenantTests {
  private let acme = RequestOrigin(tenant: "acme")
  private let globex = RequestOrigin(tenant: "globex")

  @Test func `a root speaks for its tenant's spans alone`() {
    let harness = Harness()
    harness.send(SpanStub(2, parent: 1), from: acme)
    harness.send(SpanStub(3, parent: 1), from: globex)
    harness.send(SpanStub(4, parent: 1))
    harness.send(SpanStub(1, ["enduser.id": "ada"]), from: acme)
    #expect(harness.ids == [1, 2])
    harness.send(SpanStub(11, ["enduser.id": "grace"]), from: globex)
    harness.send(SpanStub(12, ["enduser.id": "nobody's"]))
    #expect(harness.ids == [1, 2, 3, 4, 11, 12])
    #expect(harness.span(2)["enduser.id"] == "ada")
    #expect(harness.span(3)["enduser.id"] == "grace")
    #expect(harness.span(4)["enduser.id"] == "nobody's")
    harness.send(SpanStub(5, parent: 1), from: globex)
    #expect(harness.span(5)["enduser.id"] == "grace")
  }

  @Test func `no tenant's span is another's duplicate`() {
    let harness = Harness()
    for origin in [acme, globex, nil, acme, nil] {
      harness.send(SpanStub(1, ["enduser.id": "ada"]), SpanStub(2, parent: 1), from: origin)
    }
    #expect(harness.ids == [1, 1, 1, 2, 2, 2])
    #expect(harness.metric("heirloom_duplicate_spans") == 4)
    #expect(harness.metric("heirloom_remembered_traces") == 3)
  }

  @Test func `each tenant's trace has its own waits`() {
    let harness = Harness()
    harness.send(SpanStub(2, parent: 1), from: acme)
    harness.pass(.seconds(100))
    harness.send(SpanStub(3, parent: 1), from: globex)
    #expect(harness.metric("heirloom_waiting_traces") == 2)
    harness.pass(.seconds(200))
    #expect(harness.ids == [2])
    harness.pass(.seconds(100))
    #expect(harness.ids == [2, 3])
  }

  @Test func `what is forgotten of one tenant's trace is not forgotten of another's`() {
    let harness = Harness { $0.resolvedFor = .seconds(60) }
    harness.send(SpanStub(1, ["enduser.id": "ada"]), from: acme)
    harness.pass(.seconds(30))
    harness.send(SpanStub(1, ["enduser.id": "grace"]), from: globex)
    harness.pass(.seconds(31))
    #expect(harness.metric("heirloom_remembered_traces") == 1)
    harness.send(SpanStub(2, parent: 1), from: globex)
    harness.send(SpanStub(3, parent: 1), from: acme)
    #expect(harness.span(2)["enduser.id"] == "grace")
    #expect(harness.ids == [1, 1, 2])
  }

  @Test func `a restart keeps them apart, those that wait and those that are remembered`() {
    let first = DurableHarness()
    first.send(SpanStub(1, ["enduser.id": "ada"]), from: acme)
    first.send(SpanStub(2, parent: 1), from: globex)
    first.send(SpanStub(3, parent: 1))
    first.disk.record()
    let second = DurableHarness(clock: first.clock, disk: first.disk.reopened())
    second.recover()
    #expect(second.metric("heirloom_remembered_traces") == 1)
    #expect(second.metric("heirloom_waiting_traces") == 2)
    second.send(SpanStub(4, parent: 1), from: acme)
    #expect(second.span(4)["enduser.id"] == "ada")
    second.send(SpanStub(11, ["enduser.id": "grace"]), from: globex)
    #expect(second.span(2)["enduser.id"] == "grace")
    #expect(!second.ids.contains(3))
    second.disk.record()
    let third = DurableHarness(clock: first.clock, disk: second.disk.reopened())
    third.recover()
    third.send(SpanStub(5, parent: 1), from: globex)
    third.send(SpanStub(6, parent: 1))
    #expect(third.span(5)["enduser.id"] == "grace")
    #expect(third.ids == [5])
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func `each tenant's traces come out as if the others sent nothing`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let origins = [nil, acme, globex]
    let together = Harness()
    let alone = origins.map { _ in Harness() }
    for _ in 0..<200 {
      let tenant = Int.random(in: 0..<3, using: &random)
      let trace = UInt64.random(in: 1...4, using: &random)
      let id = UInt64.random(in: 1...9, using: &random)
      let attributes: KeyValuePairs<String, StubValue> =
        random.once(in: 3) ? ["enduser.id": .string("user \(UInt64.random(in: 1...3, using: &random))")] : [:]
      let span = SpanStub(trace: trace, id, parent: id == 1 ? 0 : 1, attributes)
      together.send(span, from: origins[tenant])
      alone[tenant].send(span)
      if random.once(in: 5) {
        let pause = Duration.seconds(Int.random(in: 0...120, using: &random))
        together.pass(pause)
        for harness in alone { harness.pass(pause) }
      }
    }
    func summary(_ spans: [DecodedSpan]) -> [String] {
      spans.map { "\($0.trace) \($0.id) \($0["enduser.id"].map { "\($0)" } ?? "-")" }.sorted()
    }
    #expect(summary(together.spans) == summary(alone.flatMap(\.spans)))
  }
}
