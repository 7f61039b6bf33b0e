import Locks
import OTLP
import Pipeline
import TestSupport
import Testing

struct TracesFanOutTests {
  private let answers = Collected<Refusal?>()
  private let batch = SpanBatch.make([SpanStub(1)])
  private let refusals = (1...3).map { Refusal(message: "reason \($0)", retryAfter: $0) }

  private func consume(_ fanOut: TracesFanOut) {
    fanOut.consume(batch) { [answers] in answers.append($0) }
  }

  @Test(arguments: 1...3) func `a request is safe when every pipeline has it`(count: Int) {
    let consumers = (0..<count).map { _ in StubConsumer(.wait) }
    consume(TracesFanOut(consumers))
    #expect(consumers.allSatisfy { $0.pending.all.count == 1 && $0.pending.all[0].batch === batch })
    for consumer in consumers.reversed() {
      #expect(answers.all == [])
      consumer.pending.all[0].answer(nil)
    }
    #expect(answers.all == [nil])
  }

  @Test(arguments: 0..<3) func `one refusal refuses the request, when all have answered`(refusing: Int) {
    let consumers = (0..<3).map { _ in StubConsumer(.wait) }
    consume(TracesFanOut(consumers))
    for (position, consumer) in consumers.enumerated() {
      #expect(answers.all == [])
      consumer.pending.all[0].answer(position == refusing ? refusals[0] : nil)
    }
    #expect(answers.all == [refusals[0]])
  }

  @Test func `of several refusals the first is told`() {
    let consumers = (0..<3).map { _ in StubConsumer(.wait) }
    consume(TracesFanOut(consumers))
    for (consumer, refusal) in zip(consumers, refusals).reversed() { consumer.pending.all[0].answer(refusal) }
    #expect(answers.all == [refusals[2]])
  }

  @Test func `before the body, the first pipeline that refuses speaks`() {
    let willing = StubConsumer()
    let refusing = refusals.map { StubConsumer(refusal: $0) }
    #expect(TracesFanOut([willing]).refusal == nil)
    #expect(TracesFanOut([willing, willing]).refusal == nil)
    #expect(TracesFanOut([willing, refusing[1], refusing[0]]).refusal == refusals[1])
  }

  @Test func `answers from many threads at once make one answer for each request`() {
    let consumers = (0..<4).map { _ in StubConsumer(.wait) }
    let fanOut = TracesFanOut(consumers)
    let rounds = 500
    for _ in 0..<rounds { consume(fanOut) }
    let refusal = refusals[0]
    let threads = consumers.enumerated().map { position, consumer in
      BackgroundThread(name: "answer") {
        for (round, request) in consumer.pending.all.enumerated() {
          request.answer(position == round % 8 ? refusal : nil)
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(answers.all.count == rounds)
    // Of eight requests, the first four are refused by one of the four pipelines.
    #expect(answers.all.count { $0 == refusal } == (0..<rounds).count { $0 % 8 < 4 })
  }
}

struct PassThroughTests {
  @Test func `spans go on byte for byte, under their resources and scopes`() {
    let unknown = ProtobufWriter.message { span in
      span.stringField(900, "a field of the future")
      span.fixed32Field(901, 7)
    }
    var spans = [
      SpanStub(1, ["enduser.id": "ann", "n": 3]), SpanStub(2, parent: 1, ["enduser.id": "ben"], scope: "lib"),
      SpanStub(trace: 2, 3, ["x": true], resource: ["service.name": "other", "user.id": "operator"]),
      SpanStub(trace: 2, 4, parent: 3, flags: 0x300),
    ]
    for position in spans.indices { spans[position].extra = unknown }
    let expected = DecodedSpan.all(inRequest: SpanStub.request(spans))

    let exporter = RequestCollector()
    let batcher = Batcher(exporters: [exporter])
    let answers = Collected<Refusal?>()
    // The request's memory is gone before the spans leave: they were copied.
    PassThrough(output: batcher).consume(.make(spans)) { answers.append($0) }
    #expect(answers.all == [nil])
    batcher.close()

    func contents(_ spans: [DecodedSpan]) -> Set<[[UInt8]]> { Set(spans.map { [$0.resource, $0.scope, $0.bytes] }) }
    #expect(exporter.sizes == [4])
    #expect(contents(exporter.spans) == contents(expected))
    #expect(contents(expected).count == 4)
  }

  @Test func `it refuses when its batcher does`() {
    let exporter = RequestCollector()
    let batcher = Batcher(exporters: [exporter])
    let passThrough = PassThrough(output: batcher)
    #expect(passThrough.refusal == nil)
    exporter.setFull(true)
    #expect(passThrough.refusal == batcher.refusal)
    #expect(passThrough.refusal != nil)
    batcher.close()
  }
}
