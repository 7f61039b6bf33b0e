import EndUser
import Locks
import OTLP
import Pipeline
import Testing
import TestSupport

/// Local roots, roots that never come, limits, and what is remembered.
@Suite struct WaitingTests {
  @Test func `a local root speaks when no root comes in its wait`() {
    let harness = Harness()
    harness.send(SpanStub(2, parent: 1, flags: 0x300, ["enduser.id": "local"]), SpanStub(3, parent: 2))
    harness.pass(.seconds(9))
    #expect(harness.spans.isEmpty)
    harness.pass(.seconds(1))
    #expect(harness.span(3)["enduser.id"] == "local")
    #expect(harness.metric("heirloom_traces_resolved", ("source", "local_root")) == 1)
  }

  @Test func `an application's root under a foreign parent is a local root`() {
    let harness = Harness()
    harness.send(
      SpanStub(2, parent: 1, ["langfuse.internal.is_app_root": true, "user.id": "u"]), SpanStub(3, parent: 2))
    harness.pass(.seconds(10))
    #expect(harness.span(3)["user.id"] == "u")
  }

  @Test func `a parent that is only known not to be remote makes no local root`() {
    let harness = Harness()
    harness.send(SpanStub(2, parent: 1, flags: 0x100, ["enduser.id": "x"]))
    harness.pass(.seconds(20))
    #expect(harness.spans.isEmpty)
  }

  @Test func `a true root in time goes before the local one`() {
    let harness = Harness()
    harness.send(SpanStub(2, parent: 1, flags: 0x300, ["enduser.id": "local"]))
    harness.pass(.seconds(5))
    harness.send(SpanStub(1, ["enduser.id": "true"]))
    #expect(harness.span(2)["enduser.id"] == "true")
  }

  @Test func `a true root that comes later wins from then on and is counted`() {
    let harness = Harness()
    harness.send(SpanStub(2, parent: 1, flags: 0x300, ["enduser.id": "local"]), SpanStub(3, parent: 2))
    harness.pass(.seconds(10))
    harness.send(SpanStub(1, ["enduser.id": "true"]), SpanStub(4, parent: 1))
    #expect(harness.span(3)["enduser.id"] == "local")
    #expect(harness.span(4)["enduser.id"] == "true")
    #expect(harness.metric("heirloom_late_identities") == 1)
  }

  @Test func `without a root the topmost identity speaks after the wait`() {
    let harness = Harness()
    harness.send(SpanStub(2, parent: 1), SpanStub(3, parent: 2, ["user.id": "u"]))
    harness.pass(.seconds(299))
    #expect(harness.spans.isEmpty)
    harness.pass(.seconds(1))
    #expect(harness.span(2)["user.id"] == "u")
  }

  @Test func `without a root and an identity spans leave as they are, counted`() {
    let harness = Harness { $0.rootWait = .seconds(5) }
    let spans = [SpanStub(2, parent: 1), SpanStub(3, parent: 2)]
    harness.send(spans[0])
    harness.pass(.seconds(3))
    harness.send(spans[1])
    harness.pass(.seconds(2))
    #expect(harness.spans.map(\.bytes) == spans.map(\.bytes))
    #expect(harness.metric("heirloom_traces_unattributed", ("reason", "root_wait")) == 1)
    harness.send(SpanStub(1, ["enduser.id": "late"]), SpanStub(4, parent: 1))
    harness.send(SpanStub(5, parent: 1))
    #expect(harness.span(4)["enduser.id"] == "late")
    #expect(harness.span(5)["enduser.id"] == "late")
  }

  @Test func `over max_traces the oldest leaves, and is right again when its root comes`() {
    let harness = Harness { $0.maxTraces = 2 }
    for trace in 1...3 as ClosedRange<UInt64> {
      harness.send(SpanStub(trace: trace, 2, parent: 1))
      harness.pass(.milliseconds(1))
    }
    #expect(harness.spans.map(\.trace) == [1])
    #expect(harness.metric("heirloom_traces_unattributed", ("reason", "max_traces")) == 1)
    harness.send(SpanStub(trace: 1, 1, ["enduser.id": "u"]), SpanStub(trace: 1, 3, parent: 1))
    #expect(harness.span(3)["enduser.id"] == "u")
    harness.send((2...3).map { SpanStub(trace: $0, 1, ["enduser.id": "v"]) })
    #expect(harness.span(2, trace: 3)["enduser.id"] == "v")
  }

  @Test func `over max_spans_per_trace a trace leaves`() {
    let harness = Harness { $0.maxSpansPerTrace = 10 }
    for id in 2...10 as ClosedRange<UInt64> { harness.send(SpanStub(id, parent: 1)) }
    #expect(harness.spans.isEmpty)
    harness.send(SpanStub(11, parent: 1))
    #expect(harness.ids == Array(2...11))
    #expect(harness.metric("heirloom_traces_unattributed", ("reason", "max_spans_per_trace")) == 1)
  }

  @Test func `over max_buffered_mib the oldest leave`() {
    let harness = Harness { $0.maxBufferedMiB = 1 }
    let big = String(repeating: "x", count: 100_000)
    for trace in 1...20 as ClosedRange<UInt64> {
      harness.send(SpanStub(trace: trace, 2, parent: 1, ["big": .string(big)]))
      #expect(harness.metric("heirloom_waiting_bytes") <= 1 << 20)
      harness.pass(.milliseconds(1))
    }
    #expect(harness.spans.map(\.trace) == Array(1...10))
    #expect(harness.metric("heirloom_waiting_spans") == 10)
  }

  @Test func `resolved traces are remembered for their time`() {
    let harness = Harness { $0.resolvedFor = .seconds(60) }
    harness.send(SpanStub(1, ["enduser.id": "u"]))
    harness.pass(.seconds(59))
    harness.send(SpanStub(2, parent: 1))
    #expect(harness.span(2)["enduser.id"] == "u")
    harness.pass(.seconds(1))
    harness.send(SpanStub(3, parent: 1))
    #expect(harness.ids == [1, 2])
    #expect(harness.metric("heirloom_remembered_traces") == 0)
  }

  @Test func `stop releases what waits`() {
    let harness = Harness()
    harness.send(SpanStub(2, parent: 1), SpanStub(3, parent: 1, ["user.id": "u"]))
    harness.send(SpanStub(trace: 2, 2, parent: 1))
    harness.processor.stop()
    #expect(harness.spans.count == 3)
    #expect(harness.span(2)["user.id"] == "u")
    #expect(harness.metric("heirloom_traces_unattributed", ("reason", "shutdown")) == 1)
    #expect(harness.metric("heirloom_waiting_bytes") == 0)
  }

  @Test func `each resolved trace can be told`() {
    let harness = Harness()
    harness.send(SpanStub(2, parent: 1))
    harness.pass(.seconds(4))
    harness.send(SpanStub(1, ["enduser.id": 7, "session.id": "s"]))
    let told = harness.told.withLock { $0 }
    #expect(told.count == 1)
    #expect(told[0].endUser == "7")
    #expect(told[0].session == "s")
    #expect(told[0].spans == 2)
    #expect(told[0].waited == 4_000_000_000)
    #expect(told[0].traceID.hexadecimal == "00000000000000000000000000000001")
  }

  @Test func `a processor whose exporters are all full refuses`() {
    let harness = Harness()
    #expect(harness.processor.refusal == nil)
    harness.exporter.setFull(true)
    #expect(harness.processor.refusal?.retryAfter == 1)
  }
}
