import EndUser
import Locks
import TestSupport
import Testing

/// What waits beyond the memory it may take waits on disk.
struct SpillTests {
  private static let big = StubValue.string(String(repeating: "x", count: 4000))

  private static func child(_ trace: UInt64, _ id: UInt64, _ attributes: KeyValuePairs<String, StubValue> = [:])
    -> SpanStub
  {
    var span = SpanStub(trace: trace, id, parent: 1, attributes)
    span.attributes.append(StubAttribute("big", big))
    return span
  }

  @Test func `beyond the limit spans wait on disk, and leave whole when their root comes`() {
    let harness = DurableHarness(maxWaitingBytes: 20_000)
    let children = (1...20).map { Self.child($0, 2, ["user.id": "op"]) }
    for child in children { harness.send(child) }
    #expect(harness.spans.isEmpty)
    #expect(harness.metric("heirloom_waiting_bytes") <= 20_000)
    #expect(harness.metric("heirloom_waiting_spans") == 20)
    #expect(harness.metric("heirloom_enduser_waiting_spans_on_disk") >= 16)
    harness.send((1...20).map { SpanStub(trace: $0, 1, ["enduser.id": "ada"]) })
    harness.pass(.zero)
    for trace in 1...20 as ClosedRange<UInt64> {
      let child = harness.span(2, trace: trace)
      #expect(child["enduser.id"] == "ada" && child["user.id"] == "op" && child["big"] == Self.big)
    }
    #expect(harness.metric("heirloom_enduser_waiting_spans_on_disk") == 0)
    #expect(harness.metric("heirloom_waiting_bytes") == 0)
    #expect(harness.disk.remaining == 0)
  }

  @Test func `those that wait longest go first, and what comes later goes too`() {
    let harness = DurableHarness(maxWaitingBytes: 10_000)
    harness.send(Self.child(1, 2))
    harness.pass(.milliseconds(1))
    harness.send(Self.child(2, 2))
    harness.pass(.milliseconds(1))
    harness.send(Self.child(3, 2))
    let reads = harness.disk.reads
    harness.send(SpanStub(trace: 3, 1, ["enduser.id": "ada"]))
    #expect(harness.span(2, trace: 3)["enduser.id"] == "ada")
    #expect(harness.disk.reads == reads)
    for id in 3...6 as ClosedRange<UInt64> { harness.send(Self.child(1, id)) }
    harness.send(SpanStub(trace: 1, 1, ["enduser.id": "ada"]))
    harness.pass(.zero)
    #expect(harness.spans.filter { $0.trace == 1 }.map(\.id).sorted() == Array(1...6))
    #expect(harness.disk.reads > reads)
  }

  @Test func `only when nothing is left to spill do the oldest leave`() {
    let harness = DurableHarness(maxWaitingBytes: 1000)
    for trace in 1...40 as ClosedRange<UInt64> {
      harness.send(Self.child(trace, 2))
      harness.pass(.milliseconds(1))
    }
    #expect(harness.metric("heirloom_waiting_bytes") <= 1000)
    #expect(harness.metric("heirloom_waiting_spans") > 10)
    #expect(harness.metric("heirloom_traces_unattributed", ("reason", "max_buffered_mib")) == harness.spans.count)
    #expect(harness.spans.map(\.trace) == Array(1...UInt64(harness.spans.count)))
  }

  @Test func `who speaks is found on disk`() {
    let harness = DurableHarness(maxWaitingBytes: 1000)
    harness.send(Self.child(1, 2), SpanStub(trace: 1, 3, parent: 2, start: 9, ["enduser.id": "deep"]))
    harness.send(SpanStub(trace: 1, 4, parent: 1, start: 8, ["enduser.id": "late"]), Self.child(1, 5))
    harness.send(SpanStub(trace: 1, 6, parent: 1, start: 7, ["enduser.id": "early", "session.id": "s"]))
    harness.send(Self.child(1, 7))
    #expect(harness.metric("heirloom_enduser_waiting_spans_on_disk") == 6)
    harness.pass(.seconds(300))
    #expect(harness.ids == Array(2...7))
    #expect(harness.spans.allSatisfy { $0["enduser.id"] == "early" && $0["session.id"] == "s" })
    #expect(harness.metric("heirloom_traces_resolved", ("source", "topmost")) == 1)
  }

  @Test func `a local root and a root that names nobody are found on disk`() {
    let harness = DurableHarness(maxWaitingBytes: 200)
    harness.send(SpanStub(trace: 1, 2, parent: 9, flags: 0x300, ["enduser.id": "local"]), Self.child(1, 3))
    harness.send(SpanStub(trace: 2, 1, resource: ["enduser.id": "process"]), Self.child(2, 2))
    #expect(harness.metric("heirloom_enduser_waiting_spans_on_disk") == 4)
    harness.pass(.seconds(10))
    #expect(harness.spans.count == 4)
    #expect(harness.spans.allSatisfy { $0["enduser.id"] == ($0.trace == 1 ? "local" : "process") })
  }

  @Test func `a scope of neatlogs is known when its spans come back`() {
    let harness = DurableHarness(maxWaitingBytes: 400)
    // Spans of neatlogs name the operator as their user; others in the same request do not.
    var neatlogs = SpanStub(trace: 1, 2, parent: 1, ["user.id": "operator"], scope: "neatlogs.sdk")
    neatlogs.attributes.append(StubAttribute("big", Self.big))
    harness.send(neatlogs, SpanStub(trace: 1, 3, parent: 2, ["user.id": "ada"]))
    #expect(harness.metric("heirloom_enduser_waiting_spans_on_disk") == 2)
    harness.pass(.seconds(300))
    #expect(harness.spans.count == 2)
    #expect(harness.spans.allSatisfy { $0["user.id"] == "ada" })
  }

  @Test func `spans far apart in one request come back as well`() {
    let harness = DurableHarness(maxWaitingBytes: 2000)
    let mixed = (1...30).flatMap { id in (1...3).map { Self.child($0, UInt64(id) + 1) } }
    harness.send(mixed)
    harness.send((1...3).map { SpanStub(trace: $0, 1, ["enduser.id": .string("user-\($0)")]) })
    harness.pass(.zero)
    #expect(harness.spans.count == 93)
    #expect(harness.spans.allSatisfy { $0["enduser.id"] == .string("user-\($0.trace)") })
    #expect(harness.disk.remaining == 0)
  }

  @Test(arguments: [false, true])
  func `what can't be read back is reported, and the others go on`(isOverwritten: Bool) throws {
    let harness = DurableHarness(maxWaitingBytes: 6000)
    harness.send(Self.child(1, 2), Self.child(1, 3))
    harness.send(Self.child(1, 4))
    if isOverwritten { harness.disk.overwrite(with: 0x4a) } else { harness.disk.breakReads() }
    #expect(harness.metric("heirloom_enduser_waiting_spans_on_disk") == 2)
    harness.send(SpanStub(trace: 1, 1, ["enduser.id": "ada"]))
    harness.pass(.zero)
    #expect(harness.ids == [1, 4])
    #expect(harness.metric("heirloom_enduser_unreadable_spans") == 2)
    #expect(harness.lines.all.contains { $0.contains("can't be read back") })
    // What the disk does not give today it may give at the next start; what is no span will never be one.
    #expect(harness.disk.remaining == (isOverwritten ? 0 : 2))
  }

  @Test func `spans of a moved request of which nobody says where they were stay in memory`() {
    let first = DurableHarness()
    first.send(SpanStub(trace: 1, 1, ["enduser.id": "ada"]), Self.child(2, 2), Self.child(3, 2))
    first.disk.record()
    let second = DurableHarness(
      clock: first.clock, disk: first.disk.reopened { _ in true }, maxWaitingBytes: 6000)
    second.recover(knowsOffsets: false)
    #expect(second.metric("heirloom_enduser_waiting_spans_on_disk") == 0)
    #expect(second.spans.count == 1)
    #expect(second.metric("heirloom_enduser_unreadable_spans") == 0)
    let third = DurableHarness(
      clock: first.clock, disk: first.disk.reopened { _ in true }, maxWaitingBytes: 1000)
    third.recover()
    #expect(third.metric("heirloom_enduser_waiting_spans_on_disk") == 2)
    third.send((2...3).map { SpanStub(trace: $0, 1, ["enduser.id": "bob"]) })
    third.processor.sweep()
    #expect(third.spans.count == 4)
    #expect(third.spans.allSatisfy { $0["enduser.id"] == "bob" })
  }

  @Test func `threads that send, spill, resolve and read back at once lose nothing and mix nothing up`() {
    let harness = DurableHarness(maxWaitingBytes: 60_000)
    harness.processor.start()
    var random = SeededGenerator(seed: 5)
    let children = (1...60).flatMap { trace in (2...9).map { Self.child(trace, $0, ["user.id": "x"]) } }
      .shuffled(using: &random)
    let roots = (1...60).map { SpanStub(trace: $0, 1, ["enduser.id": .string("user-\($0)")]) }
    let senders = (0..<4).map { thread in
      let own = children.indices.filter { $0 % 4 == thread }.map { children[$0] }
      let ownRoots = roots.indices.filter { $0 % 4 == thread }.map { roots[$0] }
      return BackgroundThread(name: "sender") {
        for start in stride(from: 0, to: own.count, by: 6) {
          harness.send(Array(own[start..<min(start + 6, own.count)]))
        }
        for root in ownRoots { harness.send(root) }
      }
    }
    for sender in senders { sender.join() }
    harness.processor.stop(until: .max)
    #expect(harness.spans.count == 60 * 9)
    #expect(Set(harness.spans.map { [$0.trace, $0.id] }).count == 60 * 9)
    #expect(harness.spans.allSatisfy { $0["enduser.id"] == .string("user-\($0.trace)") })
    #expect(harness.disk.reads > 0)
    #expect(harness.disk.remaining == 0)
    #expect(harness.metric("heirloom_waiting_bytes") == 0)
  }

  @Test func `a large trace on disk is released beside others`() {
    let harness = DurableHarness(maxWaitingBytes: 100_000)
    harness.processor.start()
    for start in stride(from: 2, to: 6002, by: 500) {
      harness.send((start..<start + 500).map { SpanStub(trace: 1, UInt64($0), parent: 1, ["user.id": "x"]) })
    }
    #expect(harness.metric("heirloom_enduser_waiting_spans_on_disk") > 4000)
    harness.send(SpanStub(trace: 1, 1, ["enduser.id": "ada"]))
    harness.processor.stop(until: .max)
    #expect(harness.spans.count == 6001)
    #expect(harness.spans.allSatisfy { $0["enduser.id"] == "ada" })
    #expect(harness.disk.remaining == 0)
  }
}
