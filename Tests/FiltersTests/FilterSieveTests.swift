import EndUser
import Facts
import Filters
import OTLP
import Pipeline
import SelfTelemetry
import TestSupport
import Testing

/// The `filter` processor, in pipelines with and without identity.
struct FilterSieveTests {
  private let exporter = CollectingExporter()
  private let registry = MetricRegistry()
  private let rules = SpanRules()

  /// A pipeline; each filter is a text with `keep` or `drop` before it.
  private func pipeline(_ filters: String..., endUser: EndUserConfiguration?) throws -> any TracesConsumer {
    let plan = FactsPlan(endUser ?? EndUserConfiguration(), rules: rules)
    let asked = try filters.enumerated().map { place, text in
      let words = text.split(separator: " ", maxSplits: 1).map(String.init)
      let effect = try #require(SpanFilter.Effect(rawValue: words[0]))
      return FilterSieve.Rule(
        try SpanFilter(effect, Filter(parsing: words[1])),
        dropped: registry.counter("dropped", help: "", labels: [("filter", "\(place)")]))
    }
    let makeSieve: SpanSieveFactory = { FilterSieve(asked, plan: plan) }
    var batching = Batcher.Configuration()
    batching.timeout = .zero
    let output = Batcher(configuration: batching, exporters: [exporter])
    guard let endUser else { return PassThrough(output: output, makeSieve: makeSieve) }
    return EndUserProcessor(
      endUser, rules: rules, metrics: EndUserMetrics(registry: registry, processor: "enduser", pipeline: "traces"),
      output: output, makeSieve: makeSieve)
  }

  private func send(_ spans: SpanStub..., to consumer: any TracesConsumer) {
    let request = SpanStub.request(spans)
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: request.count, alignment: 1)
    memory.copyBytes(from: request)
    let index = SpanIndex()
    do {
      try index.fill(from: UnsafeRawBufferPointer(memory), rules: rules)
    } catch {
      preconditionFailure("a test sent a malformed request: \(error)")
    }
    consumer.consume(
      SpanBatch(bytes: UnsafeRawBufferPointer(memory), index: index, interner: ScopeInterner()) { _ in
        memory.deallocate()
      }
    ) { precondition($0 == nil) }
  }

  private var ids: [UInt64] { exporter.spans.map(\.id).sorted() }

  private func dropped(_ place: Int = 0) -> Double? { registry.value("dropped", labels: [("filter", "\(place)")]) }

  @Test func `without identity, a span is what it says itself`() throws {
    let pipeline = try pipeline("keep end_user is ada or metadata:plan is pro", endUser: nil)
    send(
      SpanStub(1, ["enduser.id": "ada"]), SpanStub(2, parent: 1), SpanStub(3, parent: 1, ["user.id": "ada"]),
      SpanStub(4, ["neatlogs.end_user.metadata": "{\"plan\":\"pro\"}"]), SpanStub(5, ["enduser.id": "adam"]),
      to: pipeline)
    #expect(ids == [1, 3, 4])
    #expect(dropped() == 2)
  }

  @Test func `with identity, every span is its trace's`() throws {
    let pipeline = try pipeline(
      "keep end_user is ada and session is s and metadata:plan is pro", endUser: EndUserConfiguration())
    send(SpanStub(2, parent: 1), SpanStub(3, parent: 1, ["neatlogs.end_user.id": "bob"]), to: pipeline)
    send(
      SpanStub(
        1,
        [
          "neatlogs.end_user.id": "ada", "session.id": "s", "neatlogs.end_user.metadata": "{\"plan\":\"pro\"}",
        ]),
      SpanStub(trace: 2, 4, ["neatlogs.end_user.id": "bob"]), to: pipeline)
    send(SpanStub(5, parent: 1), SpanStub(trace: 2, 6, parent: 4, ["neatlogs.end_user.id": "ada"]), to: pipeline)
    #expect(ids == [1, 2, 3, 5])
    #expect(dropped() == 2)
  }

  @Test func `metadata that is somebody else's is not the trace's`() throws {
    let pipeline = try pipeline("drop metadata:plan exists", endUser: EndUserConfiguration())
    send(
      SpanStub(1, ["enduser.id": "ada"]), SpanStub(2, parent: 1, ["user.id": "bob", "langsmith.metadata.plan": "pro"]),
      SpanStub(3, parent: 1, ["user.id": "ada", "langsmith.metadata.plan": "pro"]), to: pipeline)
    #expect(ids == [1, 2])
  }

  @Test func `all filters of a pipeline must let a span through, and the first that doesn't counts it`() throws {
    let pipeline = try pipeline("keep name starts with a", "drop name is ab", "keep not name contains z", endUser: nil)
    send(
      SpanStub(1, name: "a"), SpanStub(2, name: "ab"), SpanStub(3, name: "b"), SpanStub(4, name: "az"), to: pipeline)
    #expect(ids == [1])
    #expect([dropped(0), dropped(1), dropped(2)] == [1, 1, 1])
  }

  @Test func `what the span says besides is asked, too`() throws {
    let pipeline = try pipeline(
      "keep model is gpt-4o and tokens = 12 and latency = 500ns and trace ends with 0001", endUser: nil)
    let call: KeyValuePairs<String, StubValue> = [
      "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 5,
    ]
    send(SpanStub(1, call), SpanStub(trace: 2, 2, call), SpanStub(3), to: pipeline)
    #expect(ids == [1])
  }
}
