import Foundation
import Locks
import OTLP
import Pipeline
import SelfTelemetry
import Spool
import TestSupport
import Testing

/// Requests that pass a spool, and what comes back from it at the next start.
final class SpooledTracesTests {
  private let directory = FileManager.default.temporaryDirectory.path + "/heirloom-spooled-\(UUID().uuidString)"
  private let answers = Collected<Refusal?>()
  private let exporter = CollectingExporter()
  private let log = Log { _ in }

  deinit {
    try? FileManager.default.removeItem(atPath: directory)
  }

  private func open(_ durability: Durability = .buffered, maxBytes: Int = 1 << 30) throws -> Spool {
    var configuration = Spool.Configuration(directory: directory)
    configuration.durability = durability
    return try Spool(
      configuration, budget: SpoolBudget(maxBytes: maxBytes), log: log, registry: MetricRegistry(), labels: [])
  }

  private func consume(_ traces: SpooledTraces, _ spans: [SpanStub]) {
    traces.consume(SpanBatch.make(spans)) { [answers] in answers.append($0) }
  }

  private func replay(_ spool: Spool, to consumer: any TracesConsumer) -> SpoolReplay.Result {
    SpoolReplay(spool: spool, consumer: consumer, rules: SpanRules(), interner: ScopeInterner(), log: log)
      .run { false }
  }

  @Test func `a request is named by its record before it goes on`() throws {
    let spool = try open()
    let consumer = StubConsumer(.wait)
    consume(SpooledTraces(consumer, spool: spool, durability: .buffered), [SpanStub(1), SpanStub(2)])

    let pending = try #require(consumer.pending.all.first)
    let record = try #require(pending.batch.record)
    #expect(record.unitCount == 2 && record.remainingCount == 2)
    #expect(pending.batch.unit(of: 1) == 1 && !pending.batch.isReplay)
    #expect(answers.all.isEmpty)
    pending.answer(nil)
    #expect(answers.all == [nil])
    spool.stop()
  }

  @Test func `where a request came from comes back with it, and nobody can pretend it`() throws {
    var spool = try open()
    let traces = SpooledTraces(StubConsumer(.wait), spool: spool, durability: .buffered)
    let acme = RequestOrigin(tenant: "acme", headers: [("x-end-user-id", "ada")])
    let forged = SpanStub.request([SpanStub(1)])
    let forgedField = forged.withUnsafeBytes { StoredOrigin.suffix(acme, behind: $0) }
    for (request, origin) in [(SpanStub.request([SpanStub(1)]), acme), (forged + forgedField!, nil), (forged, nil)] {
      traces.consume(SpanBatch.make(request, origin: origin)) { _ in }
    }
    spool.stop()
    spool = try open()
    let consumer = StubConsumer()
    #expect(replay(spool, to: consumer).requests == 3)
    #expect(consumer.origins.all == [acme, nil, nil])
    spool.stop()
  }

  @Test func `with fsync the sender hears of it when it is on the disk`() throws {
    let spool = try open(.fsync)
    spool.start()
    consume(SpooledTraces(StubConsumer(), spool: spool, durability: .fsync), [SpanStub(1)])
    #expect(answers.wait(count: 1) == [nil])
    spool.stop()
  }

  @Test func `what the pipeline refuses does not come back`() throws {
    let refusal = Refusal(message: "no room", retryAfter: 1)
    let spool = try open()
    spool.start()
    consume(SpooledTraces(StubConsumer(.refuse(refusal)), spool: spool, durability: .buffered), [SpanStub(1)])
    #expect(answers.all == [refusal])
    spool.stop()

    let again = try open()
    #expect(replay(again, to: StubConsumer()) == SpoolReplay.Result(requests: 0, spans: 0, isComplete: true))
    again.stop()
  }

  @Test func `a full spool refuses, before the body and after it`() throws {
    let spool = try open(maxBytes: 1 << 20)
    let traces = SpooledTraces(StubConsumer(), spool: spool, durability: .buffered)
    let large = (0..<100).map { SpanStub(UInt64($0 + 1), ["text": .string(String(repeating: "x", count: 3000))]) }
    for _ in 0..<5 { consume(traces, large) }
    let refusal = try #require(answers.all.compactMap(\.self).first)
    #expect(refusal.message.contains("the spool is full") && refusal.retryAfter == 5)
    #expect(traces.refusal?.message.contains("the spool is full") == true)
    spool.stop()
  }

  @Test func `what was not delivered is replayed, and nothing else`() throws {
    let spool = try open()
    spool.start()
    let batcher = Batcher(exporters: [exporter])
    let traces = SpooledTraces(PassThrough(output: batcher), spool: spool, durability: .buffered)
    consume(traces, [SpanStub(1), SpanStub(2)])
    batcher.close()
    // Delivered, but not settled, as when the process dies: nothing of it is done.
    #expect(exporter.spans.count == 2)
    let waiting = StubConsumer(.wait)
    consume(SpooledTraces(waiting, spool: spool, durability: .buffered), (3...100).map { SpanStub($0) })
    waiting.pending.all[0].batch.record?.markDone(1, count: 96)
    spool.stop()

    exporter.clear()
    let again = try open()
    let output = Batcher(exporters: [exporter])
    #expect(replay(again, to: PassThrough(output: output)) == .init(requests: 2, spans: 4, isComplete: true))
    output.close()
    #expect(exporter.spans.map(\.id).sorted() == [1, 2, 3, 100])
    again.stop()
  }

  @Test func `a request that is named anew is stored once, however often the pipeline refuses it`() throws {
    let spool = try open()
    let bytes = SampleRequest.bytes(name: "r", spans: 3)
    // As a version that saw two spans more in it.
    _ = try bytes.withUnsafeBytes { try spool.append([$0], unitCount: 5) }
    spool.stop()

    let again = try open()
    let picky = StubConsumer(.refuse(Refusal(message: "not now", retryAfter: 1)))
    let looks = Locked(0)
    let result = SpoolReplay(
      spool: again, consumer: picky, rules: SpanRules(), interner: ScopeInterner(), log: log
    ).run {
      looks.withLock {
        $0 += 1
        return $0 > 5
      }
    }
    #expect(!result.isComplete && picky.requests.all.count == 5)
    again.stop()
    let last = try open()
    #expect(replay(last, to: StubConsumer()) == .init(requests: 1, spans: 3, isComplete: true))
    last.stop()
  }

  @Test func `a replay waits for a pipeline without room, and can be told to stop`() throws {
    let spool = try open()
    consume(SpooledTraces(StubConsumer(), spool: spool, durability: .buffered), [SpanStub(1)])
    spool.stop()

    let again = try open()
    let full = StubConsumer(refusal: Refusal(message: "full", retryAfter: 1))
    let looks = Locked(0)
    let result = SpoolReplay(
      spool: again, consumer: full, rules: SpanRules(), interner: ScopeInterner(), log: log
    ).run {
      looks.withLock {
        $0 += 1
        return $0 > 3
      }
    }
    #expect(result == .init(requests: 0, spans: 0, isComplete: false))
    #expect(full.requests.all.isEmpty)
    again.stop()
  }
}
