import EndUser
import OTLP
import Pipeline
import SelfTelemetry
import Synchronization
import TestSupport
import Testing

/// A log record for tests.
private struct LogStub {
  var trace: UInt64?
  var body: String
  var attributes: [StubAttribute] = []
  /// In place of the trace's id.
  var traceIDBytes: [UInt8]?

  init(_ body: String, trace: UInt64? = 1, _ attributes: KeyValuePairs<String, StubValue> = [:]) {
    self.body = body
    self.trace = trace
    self.attributes = attributes.map { StubAttribute($0.key, $0.value) }
  }

  var payload: [UInt8] {
    ProtobufWriter.message { record in
      record.fixed64Field(1, 77)
      record.messageField(5) { StubValue.string(body).write(to: &$0) }
      for attribute in attributes { record.messageField(6) { attribute.write(to: &$0) } }
      record.bytesField(8 + 1, traceIDBytes ?? trace.map { SpanStub(trace: $0, 1).traceIDBytes } ?? [])
      // The span that wrote it, which may be the one that speaks for the trace.
      record.bytesField(10, [0, 0, 0, 0, 0, 0, 0, 1])
      record.bytesField(99, [1, 2, 3])
    }
  }

  static func request(_ records: [LogStub]) -> [UInt8] {
    ProtobufWriter.message { request in
      request.messageField(1) { resource in
        resource.messageField(2) { scope in
          scope.messageField(1) { $0.stringField(1, "logger") }
          for record in records { scope.bytesField(2, record.payload) }
        }
      }
    }
  }
}

/// The `enduser` processor with a pipeline of traces and two of log records, and a clock that a test moves.
private final class LogHarness {
  let spans = CollectingExporter()
  let logs = [CollectingExporter(), CollectingExporter()]
  let registry = MetricRegistry()
  let processor: EndUserProcessor
  fileprivate let consumers: [EndUserLogs]
  private let rules = SpanRules()
  private let interner = ScopeInterner()
  private let now: Clock

  private final class Clock: Sendable {
    let time = Atomic<UInt64>(1_000_000_000)
  }

  init(_ configure: (inout EndUserConfiguration) -> Void = { _ in }) {
    var configuration = EndUserConfiguration()
    configure(&configuration)
    var batching = Batcher.Configuration()
    batching.timeout = .zero
    let now = Clock()
    self.now = now
    processor = EndUserProcessor(
      configuration, rules: rules,
      metrics: EndUserMetrics(registry: registry, processor: "enduser", pipeline: "traces"),
      output: Batcher(configuration: batching, exporters: [spans]), clock: { now.time.load(ordering: .relaxed) })
    consumers = logs.map { [processor] exporter in
      processor.makeLogsConsumer(
        output: Batcher(.logs, configuration: batching, exporters: [exporter]), reader: nil)
    }
  }

  func send(_ spans: SpanStub...) { consume(SpanStub.request(spans), .traces, processor) }

  func log(_ records: LogStub..., to pipeline: Int = 0) {
    consume(LogStub.request(records), .logs, consumers[pipeline])
  }

  fileprivate func consume(_ request: [UInt8], _ signal: Signal, _ consumer: any TracesConsumer) {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: request.count, alignment: 1)
    memory.copyBytes(from: request)
    let index = SpanIndex()
    do {
      try index.fill(from: UnsafeRawBufferPointer(memory), signal: signal, rules: rules)
    } catch {
      preconditionFailure("a test sent a malformed request: \(error)")
    }
    consumer.consume(
      SpanBatch(bytes: UnsafeRawBufferPointer(memory), index: index, interner: interner) { _ in memory.deallocate() }
    ) { precondition($0 == nil) }
  }

  func pass(_ duration: Duration) {
    now.time.add(UInt64(duration.components.seconds) * 1_000_000_000, ordering: .relaxed)
    processor.sweep()
  }

  /// The payloads of the log records that came out of a pipeline.
  func records(_ pipeline: Int = 0) -> [[UInt8]] {
    func children(_ messages: [[UInt8]], _ number: Int) -> [[UInt8]] {
      messages.flatMap { message in (DecodedField.all(message) ?? []).filter { $0.number == number }.map(\.bytes) }
    }
    return children(children(children(logs[pipeline].received, 1), 2), 2)
  }

  func metric(_ name: String) -> Int {
    Int(registry.value(name, labels: [("processor", "enduser"), ("pipeline", "traces")]) ?? -1)
  }
}

/// An attribute as a field of a log record.
private func field(_ key: String, _ value: StubValue) -> [UInt8] {
  ProtobufWriter.message { record in record.messageField(6) { StubAttribute(key, value).write(to: &$0) } }
}

private let ada = field("enduser.id", "ada")

struct LogRecordTests {
  private let root = SpanStub(1, name: "root", ["enduser.id": "ada"])

  @Test func `a record of a known trace leaves at once, with its identity and otherwise as it came`() {
    let harness = LogHarness()
    harness.send(root)
    let record = LogStub("hello")
    harness.log(record)
    #expect(harness.records() == [record.payload + ada])
    #expect(harness.metric("heirloom_attributed_log_records") == 1)
  }

  @Test func `records wait for their root, each for its own pipeline`() {
    let harness = LogHarness()
    let records = [LogStub("one"), LogStub("two")]
    harness.log(records[0])
    harness.log(records[1], to: 1)
    #expect(harness.records(0).isEmpty && harness.records(1).isEmpty)
    #expect(harness.metric("heirloom_waiting_log_records") == 2)
    #expect(harness.metric("heirloom_waiting_traces") == 1)
    harness.send(SpanStub(2, parent: 1))
    #expect(harness.metric("heirloom_waiting_spans") == 1)
    harness.send(root)
    #expect(harness.records(0) == [records[0].payload + ada])
    #expect(harness.records(1) == [records[1].payload + ada])
    #expect(harness.spans.spans.map(\.id).sorted() == [1, 2])
    for gauge in ["log_records", "traces", "spans", "bytes"] {
      #expect(harness.metric("heirloom_waiting_\(gauge)") == 0)
    }
  }

  @Test func `what a record says itself gives way, what it says already stays`() {
    let harness = LogHarness()
    harness.send(root)
    harness.log(LogStub("forged", ["enduser.id": "mallory", "other": 1]), LogStub("same", ["enduser.id": "ada"]))
    #expect(
      harness.records() == [
        LogStub("forged", ["other": 1]).payload + ada, LogStub("same", ["enduser.id": "ada"]).payload,
      ])
    #expect(harness.metric("heirloom_child_identities_replaced") == 1)
  }

  @Test func `a record never speaks for its trace`() {
    let harness = LogHarness { $0.rootWait = .seconds(10) }
    harness.log(LogStub("named", ["enduser.id": "mallory", "user.id": "mallory"]))
    harness.send(SpanStub(2, parent: 1))
    harness.pass(.seconds(11))
    #expect(harness.records() == [LogStub("named", ["enduser.id": "mallory", "user.id": "mallory"]).payload])
    #expect(harness.spans.spans.count == 1 && harness.spans.spans[0].attributes.isEmpty)
    #expect(harness.metric("heirloom_unattributed_log_records") == 1)
  }

  @Test(arguments: [[], [UInt8](repeating: 0, count: 16), [UInt8](repeating: 7, count: 5)])
  func `a record of no trace leaves at once, as it came`(id: [UInt8]) {
    let harness = LogHarness()
    var record = LogStub("free", ["enduser.id": "bob"])
    record.traceIDBytes = id
    harness.log(record)
    #expect(harness.records() == [record.payload])
    #expect(harness.metric("heirloom_unattributed_log_records") == 0)
  }

  @Test func `equal records are not one`() {
    let harness = LogHarness()
    harness.send(root)
    harness.log(LogStub("again"), LogStub("again"))
    harness.log(LogStub("again"))
    #expect(harness.records().count == 3)
  }

  @Test func `records that came long before the spans do not shorten the spans' wait`() {
    let harness = LogHarness { $0.rootWait = .seconds(10) }
    harness.log(LogStub("early"))
    harness.pass(.seconds(9))
    harness.send(SpanStub(2, parent: 1))
    harness.pass(.seconds(9))
    #expect(harness.spans.spans.isEmpty)
    harness.send(root)
    #expect(harness.spans.spans.count == 2)
    #expect(harness.records() == [LogStub("early").payload + ada])
  }

  @Test func `a trace of which only records came is not known when its spans come`() {
    let harness = LogHarness { $0.rootWait = .seconds(10) }
    harness.log(LogStub("early"))
    harness.pass(.seconds(11))
    #expect(harness.records() == [LogStub("early").payload])
    #expect(harness.metric("heirloom_remembered_traces") == 0 && harness.metric("heirloom_waiting_traces") == 0)
    harness.send(SpanStub(2, parent: 1))
    #expect(harness.spans.spans.isEmpty, "it waits, as it would have without the record")
    harness.log(LogStub("later"))
    harness.send(root)
    #expect(harness.spans.spans.count == 2)
    #expect(harness.records().last == LogStub("later").payload + ada)
  }

  @Test func `records count for the limits of what waits`() {
    let harness = LogHarness { $0.maxTraces = 2 }
    for trace in 1...3 as ClosedRange<UInt64> {
      harness.log(LogStub("\(trace)", trace: trace))
      // Of two that came at once either may be taken for the older.
      harness.pass(.seconds(1))
    }
    #expect(harness.records() == [LogStub("1", trace: 1).payload])
    let bounded = LogHarness { $0.maxSpansPerTrace = 3 }
    for _ in 0..<3 { bounded.log(LogStub("many")) }
    #expect(bounded.records().count == 3)
  }

  @Test func `very many waiting records leave through the releaser`() {
    let harness = LogHarness()
    for _ in 0..<30 { harness.consumeMany(100) }
    harness.send(root)
    harness.processor.sweep()
    #expect(harness.records().count == 3000)
    #expect(harness.records().allSatisfy { $0.ends(with: ada) })
    #expect(harness.spans.spans.count == 1)
  }

  @Test func `at the end what waits is released`() {
    let harness = LogHarness()
    harness.log(LogStub("left"))
    harness.processor.stop()
    #expect(harness.records() == [LogStub("left").payload])
  }
}

extension LogHarness {
  fileprivate func consumeMany(_ count: Int) {
    consume(LogStub.request((0..<count).map { LogStub("record \($0)") }), .logs, consumers[0])
  }
}

extension [UInt8] {
  fileprivate func ends(with suffix: [UInt8]) -> Bool { self.suffix(suffix.count) == suffix[...] }
}
