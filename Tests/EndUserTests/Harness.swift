import EndUser
import Locks
import OTLP
import Pipeline
import SelfTelemetry
import Synchronization
import TestSupport

/// An `enduser` processor with a clock that a test moves, and everything that came out of it.
final class Harness: Sendable {
  let exporter = CollectingExporter()
  let registry = MetricRegistry()
  let rules = SpanRules()
  let interner = ScopeInterner()
  let processor: EndUserProcessor
  let told = Locked<[Resolution]>([])
  private let now = Atomic<UInt64>(1_000_000_000)

  init(_ configure: (inout EndUserConfiguration) -> Void = { _ in }, makeSieve: SpanSieveFactory? = nil) {
    var configuration = EndUserConfiguration()
    configuration.logTraces = true
    configure(&configuration)
    var batching = Batcher.Configuration()
    batching.timeout = .zero
    let clock = Holder()
    let resolutions = told
    processor = EndUserProcessor(
      configuration, rules: rules,
      metrics: EndUserMetrics(registry: registry, processor: "enduser", pipeline: "traces"),
      output: Batcher(configuration: batching, exporters: [exporter]),
      clock: { clock.harness?.now.load(ordering: .relaxed) ?? 0 }, makeSieve: makeSieve,
      tell: { resolution in resolutions.withLock { $0.append(resolution) } })
    clock.harness = self
  }

  /// Sends one request.
  func send(_ spans: SpanStub..., from origin: RequestOrigin? = nil) { send(spans, from: origin) }

  func send(_ spans: [SpanStub], from origin: RequestOrigin? = nil) {
    send(request: SpanStub.request(spans), from: origin)
  }

  func send(request: [UInt8], from origin: RequestOrigin? = nil) {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, request.count), alignment: 1)
    memory.copyBytes(from: request)
    let index = SpanIndex()
    let bytes = UnsafeRawBufferPointer(start: memory.baseAddress, count: request.count)
    do {
      try index.fill(from: bytes, rules: rules)
    } catch {
      preconditionFailure("a test sent a malformed request: \(error)")
    }
    // The bytes go at once when the batch does: whatever still pointed at them would be found by the sanitizer.
    let batch = SpanBatch(bytes: bytes, index: index, interner: interner, origin: origin) { _ in memory.deallocate() }
    let answered = Atomic<Int>(0)
    processor.consume(batch) { _ in answered.add(1, ordering: .relaxed) }
    precondition(answered.load(ordering: .relaxed) == 1)
  }

  /// Lets time pass, and the processor look at its waits.
  func pass(_ duration: Duration) {
    now.add(duration.nanoseconds, ordering: .relaxed)
    processor.sweep()
  }

  var spans: [DecodedSpan] { exporter.spans }

  /// The one span with this id; traps when there is none or several.
  func span(_ id: UInt64, trace: UInt64 = 1) -> DecodedSpan {
    let found = spans.filter { $0.id == id && $0.trace == trace }
    precondition(found.count == 1, "\(found.count) spans \(id) of trace \(trace) came out")
    return found[0]
  }

  /// The ids that came out, sorted.
  var ids: [UInt64] { spans.map(\.id).sorted() }

  /// A metric of the processor.
  func metric(_ name: String, _ labels: (String, String)...) -> Int {
    Int(
      registry.value(
        name, labels: [("processor", "enduser"), ("pipeline", "traces")] + labels.map { (name: $0.0, value: $0.1) })
        ?? -1)
  }

  private final class Holder: @unchecked Sendable {
    // Sendable: set once, before the clock is first read.
    weak var harness: Harness?
  }
}
