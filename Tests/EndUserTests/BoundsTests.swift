import EndUser
import Testing
import TestSupport

/// What is learnt late, and what identity may cost.
@Suite struct BoundsTests {
  @Test func `a local root that comes after its trace was given up speaks from then on`() {
    let harness = Harness { $0.fallback = .none }
    harness.send(SpanStub(2, parent: 1))
    harness.pass(.seconds(300))
    harness.send(SpanStub(3, parent: 1, flags: 0x300, ["neatlogs.end_user.id": "u"]), SpanStub(4, parent: 3))
    #expect(harness.span(4)["neatlogs.end_user.id"] == "u")
    harness.send(SpanStub(1, ["neatlogs.end_user.id": "true"]), SpanStub(5, parent: 1))
    #expect(harness.span(5)["neatlogs.end_user.id"] == "true")
  }

  @Test func `the resource of a root that comes late speaks for what follows`() {
    let harness = Harness()
    harness.send(SpanStub(2, parent: 1))
    harness.pass(.seconds(300))
    harness.send(SpanStub(1, resource: ["enduser.id": "process"]))
    harness.send(SpanStub(3, parent: 1))
    #expect(harness.span(3)["enduser.id"] == "process")
  }

  @Test func `a prefix hands down no second end user, no operator and no empty id`() {
    let harness = Harness { $0.inherit = ["enduser.*", "user.*", "langfuse.*"] }
    harness.send(
      SpanStub(
        trace: 1, 1, ["langfuse.user.id": "a", "enduser.id": "b", "enduser.role": "admin", "langfuse.release": "r"]),
      SpanStub(trace: 1, 2, parent: 1))
    #expect(
      Set(harness.span(2, trace: 1).attributes) == [
        StubAttribute("langfuse.user.id", "a"), StubAttribute("enduser.role", "admin"),
        StubAttribute("langfuse.release", "r"),
      ])
    harness.send(
      SpanStub(trace: 2, 1, ["neatlogs.kind": "x", "user.id": "operator"]), SpanStub(trace: 2, 2, parent: 1),
      SpanStub(trace: 3, 1, ["langfuse.user.id": ""]),
      SpanStub(trace: 3, 2, parent: 1, ["langfuse.user.id": "bob"]))
    harness.pass(.seconds(3))
    #expect(harness.span(2, trace: 2)["user.id"] == nil)
    #expect(harness.span(1, trace: 3)["langfuse.user.id"] == "bob")
    #expect(harness.span(2, trace: 3)["langfuse.user.id"] == "bob")
  }

  @Test func `a value that is too long to be handed down is no identity`() {
    let harness = Harness { $0.maxIdentityBytes = 1000 }
    let long = StubValue.string(String(repeating: "m", count: 1000))
    harness.send(
      SpanStub(1, ["langfuse.user.id": long, "enduser.id": "u", "neatlogs.end_user.metadata": long]),
      SpanStub(2, parent: 1))
    #expect(harness.span(2).attributes == [StubAttribute("enduser.id", "u")])
  }

  @Test func `inherited attributes end at the limit of bytes and of number`() {
    let harness = Harness {
      $0.inherit = ["a*"]
      $0.maxIdentityBytes = 10_000
    }
    var root = SpanStub(1, ["enduser.id": "u"])
    root.attributes += (0..<200).map { StubAttribute("a\($0)", "v") }
    root.attributes += [StubAttribute("abig", .string(String(repeating: "x", count: 20_000)))]
    harness.send(root, SpanStub(2, parent: 1))
    let child = harness.span(2)
    #expect(child["enduser.id"] == "u")
    #expect(child.attributes.count == 64)
    #expect(child["abig"] == nil)
  }

  @Test func `remembering ends at its limit of memory`() {
    let harness = Harness { $0.maxResolvedMiB = 1 }
    let metadata = StubValue.string(String(repeating: "m", count: 50_000))
    for trace in 1...200 as ClosedRange<UInt64> {
      harness.send(SpanStub(trace: trace, 1, ["enduser.id": "u", "neatlogs.end_user.metadata": metadata]))
    }
    #expect(harness.metric("heirloom_remembered_traces") < 40)
    #expect(harness.metric("heirloom_remembered_traces") >= 16)
  }

  @Test func `remembering ends at its limit of traces`() {
    let harness = Harness { $0.maxResolvedTraces = 16 }
    for trace in 1...200 as ClosedRange<UInt64> { harness.send(SpanStub(trace: trace, 1, ["enduser.id": "u"])) }
    #expect(harness.metric("heirloom_remembered_traces") <= 16)
  }

  @Test func `waits go on while no exporter has room`() {
    let harness = Harness()
    harness.send(SpanStub(1))
    harness.exporter.setFull(true)
    harness.pass(.seconds(5))
    #expect(harness.metric("heirloom_waiting_traces") == 1)
    harness.exporter.setFull(false)
    harness.pass(.seconds(1))
    #expect(harness.ids == [1])
  }

  @Test func `a resource of its own counts with the span that waits for it`() {
    let harness = Harness()
    var child = SpanStub(2, parent: 1)
    child.resource = [StubAttribute("blob", .string(String(repeating: "r", count: 1 << 20)))]
    harness.send(child)
    #expect(harness.metric("heirloom_waiting_bytes") > 1_000_000)
    harness.send(SpanStub(1, ["enduser.id": "u"]))
    #expect(harness.metric("heirloom_waiting_bytes") == 0)
  }

  @Test func `long chains of candidates are no trouble`() {
    let harness = Harness()
    let chain = (2...20_000).map { SpanStub(UInt64($0), parent: UInt64($0) - 1, ["user.id": .string("u\($0)")]) }
    harness.send(chain + [SpanStub(1)])
    harness.processor.stop()
    #expect(harness.spans.count == 20_000)
    #expect(harness.spans.allSatisfy { $0["user.id"] == "u2" })
  }

  @Test func `what is remembered, and what can wait on disk, leave room below a memory limit`() {
    let configuration = EndUserConfiguration()
    let small = configuration.fitting(200 << 20, hasStorage: true)
    #expect(small.maxResolvedMiB == 50 && small.maxBufferedMiB == 50)
    // Without a disk, spans that leave early would leave without their user.
    let memory = configuration.fitting(200 << 20, hasStorage: false)
    #expect(memory.maxResolvedMiB == 50 && memory.maxBufferedMiB == configuration.maxBufferedMiB)
    #expect(configuration.fitting(.max, hasStorage: true) == configuration)
    #expect(configuration.fitting(0, hasStorage: true).maxResolvedMiB == 1)
  }
}
