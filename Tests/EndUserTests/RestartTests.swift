import EndUser
import TestSupport
import Testing

/// What a restart keeps, and how it counts.
struct RestartTests {
  /// The next run on what this one has left.
  private func next(_ run: DurableHarness, after pause: Duration = .zero) -> DurableHarness {
    let next = DurableHarness(clock: run.clock, disk: run.disk.reopened())
    run.clock.pass(pause)
    next.recover()
    return next
  }

  @Test func `spans that waited wait on, from their arrival`() {
    let first = DurableHarness()
    first.send(SpanStub(2, parent: 1))
    first.pass(.seconds(200))
    let second = next(first, after: .seconds(60))
    #expect(second.metric("heirloom_waiting_spans") == 1)
    second.pass(.seconds(39))
    #expect(second.spans.isEmpty)
    second.pass(.seconds(1))
    #expect(second.ids == [2])
    #expect(second.metric("heirloom_traces_unattributed", ("reason", "root_wait")) == 1)
  }

  @Test func `who would have spoken in time speaks though the process was down for long`() {
    let first = DurableHarness()
    first.send(SpanStub(1))
    first.pass(.seconds(1))
    first.send(SpanStub(2, parent: 1, ["user.id": "ada"]))
    let second = next(first, after: .seconds(5000))
    #expect(second.span(1)["user.id"] == "ada")

    let third = DurableHarness()
    third.send(SpanStub(1))
    third.clock.pass(.seconds(3))
    third.send(SpanStub(2, parent: 1, ["user.id": "ada"]))
    let fourth = next(third)
    #expect(fourth.span(1)["user.id"] == nil)
    #expect(fourth.metric("heirloom_late_identities") == 1)
  }

  @Test func `a root that was delivered still names its children after a restart`() {
    let first = DurableHarness()
    first.send(SpanStub(1, ["enduser.id": "ada", "session.id": "s"]))
    first.disk.record()
    let second = next(first)
    #expect(second.spans.isEmpty)
    #expect(second.metric("heirloom_remembered_traces") == 1)
    second.send(SpanStub(2, parent: 1))
    #expect(second.span(2)["enduser.id"] == "ada")
    #expect(second.span(2)["session.id"] == "s")
  }

  @Test func `what late spans taught is remembered, the latest of it`() {
    let first = DurableHarness()
    first.send(SpanStub(2, parent: 1))
    first.pass(.seconds(300))
    first.send(SpanStub(3, parent: 1, ["enduser.id": "topmost"]))
    first.send(SpanStub(1, ["enduser.id": "root"]))
    first.disk.record()
    let second = next(first)
    second.send(SpanStub(4, parent: 1, ["enduser.id": "x"]))
    second.send(SpanStub(5, ["enduser.id": "another root"]))
    #expect(second.span(4)["enduser.id"] == "root")
    #expect(second.metric("heirloom_conflicting_roots") == 1)
  }

  @Test func `a trace that was resolved without a user goes on learning`() {
    let first = DurableHarness { $0.fallback = .none }
    first.send(SpanStub(1, ["session.id": "s"]))
    first.disk.record()
    #expect(first.ids == [1])
    let second = next(first)
    second.send(SpanStub(2, parent: 1))
    #expect(second.span(2).attributes == [StubAttribute("session.id", "s")])
    second.send(SpanStub(3, ["enduser.id": "ada"]))
    second.send(SpanStub(4, parent: 1))
    #expect(second.span(4)["enduser.id"] == "ada")
  }

  @Test func `identities are remembered for their time, as many as may be`() {
    let first = DurableHarness { $0.resolvedFor = .seconds(60) }
    first.send(SpanStub(trace: 1, 1, ["enduser.id": "ada"]))
    first.pass(.seconds(50))
    first.send(SpanStub(trace: 2, 1, ["enduser.id": "bob"]))
    first.disk.record()
    let disk = first.disk
    first.clock.pass(.seconds(20))
    let second = DurableHarness(clock: first.clock, disk: disk.reopened()) { $0.resolvedFor = .seconds(60) }
    second.recover()
    #expect(second.metric("heirloom_remembered_traces") == 1)
    second.pass(.seconds(40))
    #expect(second.metric("heirloom_remembered_traces") == 0)

    let many = DurableHarness()
    many.send((1...200).map { SpanStub(trace: $0, 1, ["enduser.id": "ada"]) })
    many.disk.record()
    let few = DurableHarness(clock: many.clock, disk: many.disk.reopened()) { $0.maxResolvedTraces = 16 }
    few.recover()
    #expect(few.metric("heirloom_remembered_traces") <= 16)
  }

  @Test func `what is replayed is not counted again`() {
    let first = DurableHarness(settlesAtOnce: false)
    first.send(SpanStub(1, ["enduser.id": "ada"]), SpanStub(2, parent: 1))
    first.send(SpanStub(3, parent: 1))
    #expect(first.metric("heirloom_late_spans") == 1)
    first.disk.record()
    let second = next(first)
    #expect(second.ids == [1, 2, 3])
    #expect(second.metric("heirloom_late_spans") == 0)
    #expect(second.metric("heirloom_observations") == 0)
    #expect(second.metric("heirloom_late_identities") == 0)
    #expect(second.metric("heirloom_conflicting_roots") == 0)
    #expect(second.metric("heirloom_traces_resolved", ("source", "root")) == 0)
  }

  @Test func `spans that left are not replayed beside those that did not`() {
    let first = DurableHarness(settlesAtOnce: false)
    first.send(SpanStub(trace: 1, 1, ["enduser.id": "ada"]), SpanStub(trace: 2, 2, parent: 1))
    first.exporter.settle { _ in true }
    first.disk.record()
    let second = next(first)
    second.send(SpanStub(trace: 2, 1, ["enduser.id": "bob"]))
    #expect(second.spans.map(\.trace) == [2, 2])
    #expect(second.span(2, trace: 2)["enduser.id"] == "bob")
  }

  @Test func `a span that came twice is done when one of them is`() {
    let harness = DurableHarness()
    harness.send(SpanStub(2, parent: 1), SpanStub(2, parent: 1), SpanStub(3, parent: 1))
    harness.send(SpanStub(2, parent: 1), SpanStub(3, parent: 1))
    // Two wait; the three that came again leave nowhere.
    #expect(harness.disk.remaining == 2)
    harness.send(SpanStub(1, ["enduser.id": "ada"]))
    #expect(harness.disk.remaining == 0)
    #expect(harness.ids == [1, 2, 3])
  }

  @Test func `a stop that keeps what waits releases and counts nothing`() {
    let first = DurableHarness(maxWaitingBytes: 200)
    first.processor.start()
    first.send(SpanStub(2, parent: 1), SpanStub(3, parent: 1, ["user.id": "ada"]))
    first.send(SpanStub(4, parent: 1))
    first.processor.stop(keepsWaiting: true)
    first.disk.record()
    #expect(first.spans.isEmpty)
    #expect(first.metric("heirloom_traces_unattributed", ("reason", "shutdown")) == 0)
    let second = next(first)
    second.send(SpanStub(1, ["user.id": "root"]))
    #expect(second.ids == [1, 2, 3, 4])
    #expect(second.spans.allSatisfy { $0["user.id"] == "root" })
  }

  @Test func `a stop that has no time leaves what must be read back to the next start`() {
    let first = DurableHarness(maxWaitingBytes: 200)
    first.send(SpanStub(2, parent: 1), SpanStub(3, parent: 1))
    first.send(SpanStub(1, ["user.id": "ada"]))
    #expect(first.ids == [1])
    first.processor.stop(keepsWaiting: true)
    first.disk.record()
    #expect(first.ids == [1])
    let second = next(first)
    #expect(second.ids == [2, 3])
    #expect(second.spans.allSatisfy { $0["user.id"] == "ada" })
  }
}
