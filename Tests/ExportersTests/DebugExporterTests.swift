import Exporters
import Locks
import OTLP
import Pipeline
import SelfTelemetry
import TestSupport
import Testing

@Suite struct DebugExporterTests {
  private func output(
    of requests: [EncodedRequest], now: @escaping @Sendable () -> UInt64 = { 1 },
    _ configure: (inout DebugExporterConfiguration) -> Void
  ) -> [String] {
    var configuration = DebugExporterConfiguration()
    configure(&configuration)
    let texts = Collected<String>()
    let registry = MetricRegistry()
    let exporter = DebugExporter(id: "debug", configuration: configuration, registry: registry, now: now) {
      texts.append($0)
    }
    exporter.start()
    for request in requests { #expect(exporter.export(request)) }
    exporter.drain(until: MonotonicClock.now() + 60_000_000_000)
    #expect(
      registry.value("otelcol_exporter_sent_spans", labels: [("exporter", "debug")])
        == Double(requests.reduce(0) { $0 + $1.itemCount }))
    return texts.all
  }

  @Test func `what was taken is settled, shown or not`() {
    let watched = (0..<20).map { WatchedRequest(SampleRequest.make(), destinations: $0 % 2 + 1) }
    let texts = output(of: watched.map(\.request)) { $0.samplingThereafter = 0 }
    #expect(texts.count == 2)
    for (index, one) in watched.enumerated() { #expect(index % 2 == 0 ? one.isSettled : one.wasSettledOnce()) }
  }

  @Test func `basic tells how much came`() {
    let request = EncodedRequest.merging([SampleRequest.make(spans: 2), SampleRequest.make(spans: 3)])
    #expect(
      output(of: [request]) { $0.verbosity = .basic }
        == ["Traces: 2 resource spans, 5 spans, \(request.byteCount) bytes\n"])
  }

  @Test func `normal has a line for each span, with whose it is`() {
    let trace = String(repeating: "ab", count: 16)
    let span = String(repeating: "cd", count: 8)
    #expect(
      output(of: [SampleRequest.make(name: "chat\nforged", spans: 2, segmentLength: 9)]) { $0.verbosity = .normal } == [
        "chat\\nforged-0 \(trace) \(span) user.id=ann\nchat\\nforged-1 \(trace) \(span) user.id=ann\n"
      ])
  }

  @Test func `detailed shows everything as a tree`() throws {
    typealias Sample = SampleRequest
    func attribute(_ number: Int, _ key: String, _ value: [UInt8]) -> [UInt8] {
      Sample.field(number, Sample.field(1, Array(key.utf8)) + Sample.field(2, value))
    }
    let list = Sample.field(1, [0x10, 1]) + Sample.field(1, Sample.field(7, [0xBE, 0xEF]))
    let event = [0x09, 42, 0, 0, 0, 0, 0, 0, 0] + Sample.field(2, Array("retry".utf8))
    let span =
      Sample.field(1, [1, 2]) + Sample.field(5, Array("chat".utf8)) + [0x30, 3]
      + attribute(9, "tokens", [0x18, 12]) + attribute(9, "cost", [0x21, 0, 0, 0, 0, 0, 0, 0xE0, 0x3F])
      + attribute(9, "list", Sample.field(5, list)) + attribute(9, "nothing", [])
      + attribute(9, "map", Sample.field(6, attribute(1, "a", Sample.field(1, Array("b".utf8)))))
      + Sample.field(11, event) + Sample.field(15, Sample.field(2, Array("oops".utf8)) + [0x18, 2])
      + Sample.field(77, [1, 2, 3])
    let bytes = Sample.field(
      1, Sample.field(2, Sample.field(1, Sample.field(1, Array("lib".utf8))) + Sample.field(2, span)))
    let request = bytes.withUnsafeBytes { EncodedRequest(copying: $0, itemCount: 1) }

    let expected = """
      Traces
        ResourceSpans
          ScopeSpans
            Scope
              name: lib
            Span
              trace id: 0102
              name: chat
              kind: 3
              tokens: 12
              cost: 0.5
              list: [true, beef]
              nothing: empty
              map: {a: b}
              Event
                time: 42
                name: retry
              Status
                message: oops
                code: 2
              field 77: 6 bytes

      """
    #expect(output(of: [request]) { $0.verbosity = .detailed } == [expected])
  }

  @Test(arguments: DebugExporterConfiguration.Verbosity.allCases)
  func `whatever the bytes are, there is a text`(verbosity: DebugExporterConfiguration.Verbosity) {
    let whole = SampleRequest.bytes(spans: 2)
    // Values within values, deeper than anybody reads, and bytes of every kind.
    var nested: [UInt8] = SampleRequest.field(1, [0xFF, 0xFE])
    for _ in 0..<300 { nested = SampleRequest.field(5, SampleRequest.field(1, nested)) }
    let span = SampleRequest.field(9, SampleRequest.field(1, [0xFF]) + SampleRequest.field(2, nested))
    let inputs =
      (0..<whole.count).map { Array(whole[..<$0]) }
      + (0..<whole.count).map { index in
        var changed = whole
        changed[index] = changed[index] &+ 77
        return changed
      } + [SampleRequest.field(1, SampleRequest.field(2, SampleRequest.field(2, span)))]
    let requests = inputs.map { $0.withUnsafeBytes { EncodedRequest(copying: $0, itemCount: 1) } }
    let texts = output(of: requests) { $0.verbosity = verbosity }
    #expect(texts.count == requests.count)
    #expect(texts.contains { $0.contains("unreadable from here") })
  }

  @Test func `a reader who does not read holds nobody up, and learns what was left out`() {
    let door = Lock()
    let isOpen = Locked(false)
    let texts = Collected<String>()
    var configuration = DebugExporterConfiguration()
    configuration.verbosity = .normal
    let exporter = DebugExporter(
      id: "debug", configuration: configuration, registry: MetricRegistry(), now: { 1 },
      write: { text in
        door.withLock { while !isOpen.withLock({ $0 }) { door.wait() } }
        texts.append(text)
      })
    exporter.start()
    let request = SampleRequest.make(name: String(repeating: "n", count: 100 << 10))
    for _ in 0..<50 { #expect(exporter.export(request)) }
    // Nothing can be written by then; the thread is left behind.
    exporter.drain(until: MonotonicClock.now() + 1_000_000)
    door.withLock {
      isOpen.withLock { $0 = true }
      door.wakeAll()
    }
    #expect(eventually { texts.all.last?.contains("left out") == true })
    let shown = texts.all.count - 1
    #expect(shown >= 1 && shown < 25)
    #expect(texts.all.last == "… and \(50 - shown) more, left out since nobody read fast enough\n")
  }

  @Test func `of a flood only samples are shown, second by second`() {
    let clock = Gauge()
    var requests: [EncodedRequest] = []
    for _ in 0..<20 { requests.append(SampleRequest.make()) }
    let shown = output(of: requests, now: { UInt64(clock.add(100_000_000)) }) {
      $0.samplingInitial = 2
      $0.samplingThereafter = 4
    }
    // In each second ten requests: the first two, then the sixth and the tenth.
    #expect(shown.count == 8)
    #expect(output(of: requests) { $0.samplingThereafter = 0 }.count == 2)
    #expect(output(of: requests) { _ in }.count == 20)
  }
}
