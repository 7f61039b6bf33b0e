import EndUser
import Locks
import Synchronization
import TestSupport
import Testing

/// One processor, many threads: every span leaves once, and with nobody else's identity.
struct ConcurrencyTests {
  private static let threadCount = 4

  private static func user(_ trace: UInt64) -> StubValue { .string("user-\(trace)") }

  /// The spans of a trace: a root that names its user, and children some of which claim another.
  private static func spans(_ trace: UInt64, children: Int) -> [SpanStub] {
    var spans = [SpanStub(1, name: "root", ["enduser.id": user(trace)])]
    for child in 0..<children {
      let id = UInt64(child + 2)
      spans.append(
        child % 3 == 0
          ? SpanStub(id, parent: 1, ["enduser.id": "intruder", "plain": .int(Int64(child))])
          : SpanStub(id, parent: 1, ["plain": .int(Int64(child))], scope: "scope-\(child % 5)"))
    }
    return spans.map { span in
      var span = span
      span.trace = trace
      return span
    }
  }

  /// What each thread sends: requests with spans of many traces, in a random order, some spans twice.
  private static func work(traces: Int, children: Int, seed: UInt64) -> [[[SpanStub]]] {
    var random = SeededGenerator(seed: seed)
    var all = (1...UInt64(traces)).flatMap { spans($0, children: children) }
    all += all.filter { _ in random.once(in: 10) }
    all.shuffle(using: &random)
    let requests = stride(from: 0, to: all.count, by: 7).map { Array(all[$0..<min($0 + 7, all.count)]) }
    return (0..<threadCount).map { thread in
      requests.indices.filter { $0 % threadCount == thread }.map { requests[$0] }
    }
  }

  /// Sends everything, while another thread does something else over and over.
  private static func send(_ work: [[[SpanStub]]], to harness: Harness, meanwhile: @escaping @Sendable () -> Void) {
    let sending = Atomic<Int>(work.count)
    withExtendedLifetime(sending) {
      let requests = work.map { $0.map(SpanStub.request) }
      let senders = requests.map { requests in
        BackgroundThread(name: "sender") {
          for request in requests { harness.send(request: request) }
          sending.subtract(1, ordering: .releasing)
        }
      }
      let other = BackgroundThread(name: "other") {
        while sending.load(ordering: .acquiring) > 0 { meanwhile() }
      }
      for sender in senders { sender.join() }
      other.join()
    }
  }

  /// Every span of every trace, each once.
  private func expectOnce(_ spans: [DecodedSpan], traces: Int, children: Int) {
    #expect(spans.count == traces * (children + 1))
    #expect(Set(spans.map { [$0.trace, $0.id] }).count == spans.count)
  }

  @Test func `threads that send interleaved traces, while another sweeps, get every span out once with its user`() {
    let harness = Harness()
    Self.send(Self.work(traces: 300, children: 9, seed: 1), to: harness) { harness.pass(.microseconds(1)) }
    let spans = harness.spans
    expectOnce(spans, traces: 300, children: 9)
    for span in spans {
      #expect(span["enduser.id"] == Self.user(span.trace) && span.count("enduser.id") == 1)
    }
    #expect(harness.metric("heirloom_waiting_spans") == 0)
    #expect(harness.metric("heirloom_waiting_traces") == 0)
    #expect(harness.metric("heirloom_waiting_bytes") == 0)
    #expect(harness.metric("heirloom_traces_resolved", ("source", "root")) == 300)
  }

  @Test
  func `sweeps that end waits race with roots, and still every span leaves once and never with a stranger's user`() {
    let harness = Harness {
      $0.rootWait = .milliseconds(1)
      $0.fallback = .none
    }
    Self.send(Self.work(traces: 300, children: 9, seed: 2), to: harness) { harness.pass(.microseconds(100)) }
    harness.pass(.seconds(1))
    let spans = harness.spans
    expectOnce(spans, traces: 300, children: 9)
    for span in spans {
      let user = span["enduser.id"]
      // Those that left before their root came left as they were.
      #expect([nil, "intruder", Self.user(span.trace)].contains(user))
      if span.name == "root" { #expect(user == Self.user(span.trace)) }
    }
    #expect(harness.metric("heirloom_waiting_bytes") == 0)
  }

  @Test func `traces that are pushed out at a limit, by all threads at once, leave whole and once`() {
    let harness = Harness { $0.maxTraces = 5 }
    Self.send(Self.work(traces: 200, children: 9, seed: 3), to: harness) { harness.pass(.microseconds(1)) }
    harness.processor.stop()
    expectOnce(harness.spans, traces: 200, children: 9)
    #expect(harness.metric("heirloom_waiting_traces") == 0)
    #expect(harness.metric("heirloom_waiting_bytes") == 0)
  }

  @Test func `a trace too large for the thread that resolves it is released beside others`() {
    let harness = Harness()
    harness.processor.start()
    let large = Self.spans(1000, children: 5000)
    for start in stride(from: 1, to: large.count, by: 1000) {
      harness.send(Array(large[start..<min(start + 1000, large.count)]))
    }
    var work = Self.work(traces: 100, children: 9, seed: 4)
    work[0].insert([large[0]], at: work[0].count / 2)
    Self.send(work, to: harness) { harness.pass(.microseconds(1)) }
    harness.processor.stop()
    let spans = harness.spans
    #expect(spans.count == 5001 + 1000)
    #expect(spans.allSatisfy { $0["enduser.id"] == Self.user($0.trace) && $0.count("enduser.id") == 1 })
  }
}
