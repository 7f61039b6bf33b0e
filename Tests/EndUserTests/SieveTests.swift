import EndUser
import Locks
import OTLP
import Pipeline
import TestSupport
import Testing

/// Spans that a pipeline's filters hold back.
struct SieveTests {
  /// Lets spans of some ids through, and remembers what it was told of their traces.
  private final class StubSieve: SpanSieve {
    private let kept: Set<UInt64>
    private let begun: Locked<[String]>

    init(kept: Set<UInt64>, begun: Locked<[String]>) {
      self.kept = kept
      self.begun = begun
    }

    func begin(trace: TraceID, inherited: UnsafeRawBufferPointer) {
      let keys = DecodedField.all(Array(inherited))?.map { field in
        DecodedField.all(field.bytes)?.first.map { String(decoding: $0.bytes, as: UTF8.self) } ?? ""
      }
      begun.withLock { $0.append("\(trace.hexadecimal.suffix(2)) \(keys ?? [])") }
    }

    func keeps(_ span: SievedSpan) -> Bool { kept.contains(UInt64(bigEndian: span.spanID)) }
  }

  private let begun = Locked<[String]>([])

  private func keeping(_ ids: Set<UInt64>) -> SpanSieveFactory {
    { [begun] in StubSieve(kept: ids, begun: begun) }
  }

  @Test func `what is held back leaves nowhere, the rest has its identity`() {
    let harness = Harness(makeSieve: keeping([2, 3]))
    harness.send(SpanStub(2, parent: 1), SpanStub(4, parent: 1))
    harness.send(SpanStub(1, ["enduser.id": "ada", "session.id": "s"]))
    harness.send(SpanStub(3, parent: 1, ["enduser.id": "bob"]), SpanStub(5, parent: 1))
    #expect(harness.ids == [2, 3])
    for id: UInt64 in [2, 3] {
      #expect(harness.span(id)["enduser.id"] == "ada")
      #expect(harness.span(id)["session.id"] == "s")
    }
  }

  @Test func `a sieve is told of each trace, and what it hands down`() {
    let harness = Harness(makeSieve: keeping([]))
    harness.send(SpanStub(trace: 7, 1, ["enduser.id": "ada", "session.id": "s"]))
    harness.send(SpanStub(trace: 8, 1))
    harness.pass(.seconds(3))
    #expect(begun.withLock { $0 } == ["07 [\"enduser.id\", \"session.id\"]", "08 []"])
    #expect(harness.spans.isEmpty)
  }

  @Test func `what waits and is held back is done in the spool`() {
    let run = DurableHarness(makeSieve: keeping([1]))
    run.send(SpanStub(2, parent: 1), SpanStub(3, parent: 1))
    run.send(SpanStub(1, ["enduser.id": "ada"]))
    #expect(run.ids == [1])
    #expect(run.disk.remaining == 0)
  }

  @Test func `what had to be read back from disk is held back, too`() {
    let run = DurableHarness(maxWaitingBytes: 1000, makeSieve: keeping([1, 3]))
    let big = StubValue.string(String(repeating: "x", count: 4000))
    run.send(SpanStub(2, parent: 1, ["big": big]), SpanStub(3, parent: 1, ["big": big]))
    run.send(SpanStub(4, parent: 1, ["big": big]))
    #expect(run.metric("heirloom_enduser_waiting_spans_on_disk") == 3)
    run.send(SpanStub(1, ["enduser.id": "ada"]))
    run.pass(.zero)
    let leaving = run.spans.sorted { $0.id < $1.id }
    #expect(leaving.map(\.id) == [1, 3])
    #expect(leaving.map { $0["enduser.id"] } == ["ada", "ada"])
    #expect(run.disk.remaining == 0)
  }
}
