import EndUser
import Locks
import OTLP
import Pipeline
import SelfTelemetry
import Spool
import Synchronization
import TestSupport

/// An `enduser` processor over a disk, with a clock that a test moves: one run of the process.
final class DurableRun<Disk: TestDisk>: Sendable {
  let clock: TestClock
  let disk: Disk
  let exporter: SettlingExporter
  let registry = MetricRegistry()
  let lines = Collected<String>()
  let processor: EndUserProcessor
  private let rules = SpanRules()
  private let interner = ScopeInterner()

  /// Beyond `maxWaitingBytes` in memory, spans are spilled.
  init(
    clock: TestClock, disk: Disk, maxWaitingBytes: Int = 1 << 30, settlesAtOnce: Bool = true,
    _ configure: (inout EndUserConfiguration) -> Void = { _ in }, makeSieve: SpanSieveFactory? = nil
  ) {
    self.clock = clock
    self.disk = disk
    exporter = SettlingExporter(settlesAtOnce: settlesAtOnce)
    var configuration = EndUserConfiguration()
    configure(&configuration)
    var batching = Batcher.Configuration()
    batching.timeout = .zero
    let lines = lines
    processor = EndUserProcessor(
      configuration, rules: rules,
      metrics: EndUserMetrics(registry: registry, processor: "enduser", pipeline: "traces"),
      output: Batcher(configuration: batching, exporters: [exporter]),
      storage: EndUserStorage(
        reader: disk.reader, journal: IdentityJournal(disk.log), log: Log(level: .info, write: { lines.append($0) })),
      maxWaitingBytes: maxWaitingBytes, clock: { clock.now }, makeSieve: makeSieve)
  }

  func send(_ spans: SpanStub..., from origin: RequestOrigin? = nil) { send(spans, from: origin) }

  /// The disk gets what a spool gets.
  func send(_ spans: [SpanStub], from origin: RequestOrigin? = nil) {
    let request = SpanStub.request(spans)
    let stored = request + (request.withUnsafeBytes { StoredOrigin.suffix(origin, behind: $0) } ?? [])
    consume(stored) { batch in
      SpanBatch(batch, record: self.disk.append(spans, stored, batch.index))
    }
  }

  /// Starts as a process does that finds the disk as another one has left it. `knowsOffsets` is false for somebody who does not
  /// tell where the spans of a moved request were.
  ///
  /// - Returns: how many requests had been moved.
  @discardableResult
  func recover(knowsOffsets: Bool = true) -> Int {
    processor.restore()
    let unfinished = disk.unfinished
    for request in unfinished {
      consume(request.bytes) { batch in
        SpanBatch(
          batch, record: request.record, units: request.units, originalOffsets: knowsOffsets ? request.offsets : nil,
          isReplay: true)
      }
    }
    processor.finishReplay()
    processor.sweep()
    return unfinished.count { $0.units != nil }
  }

  private func consume(_ request: [UInt8], _ named: (SpanBatch) -> SpanBatch) {
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
    let batch = SpanBatch(
      bytes: bytes, index: index, interner: interner, origin: StoredOrigin.read(from: bytes)
    ) { _ in memory.deallocate() }
    processor.consume(named(batch)) {
      precondition($0 == nil)
    }
  }

  /// Lets time pass, and the processor look at its waits.
  func pass(_ duration: Duration) {
    clock.pass(duration)
    processor.sweep()
  }

  /// What has left for good.
  var spans: [DecodedSpan] { exporter.spans }

  /// The one span with this id; traps when there is none or several.
  func span(_ id: UInt64, trace: UInt64 = 1) -> DecodedSpan {
    let found = spans.filter { $0.id == id && $0.trace == trace }
    precondition(found.count == 1, "\(found.count) spans \(id) of trace \(trace) came out")
    return found[0]
  }

  var ids: [UInt64] { spans.map(\.id).sorted() }

  func metric(_ name: String, _ labels: (String, String)...) -> Int {
    Int(
      registry.value(
        name, labels: [("processor", "enduser"), ("pipeline", "traces")] + labels.map { (name: $0.0, value: $0.1) })
        ?? -1)
  }
}

/// One run on a fake disk.
typealias DurableHarness = DurableRun<FakeDisk>

extension DurableRun where Disk == FakeDisk {
  convenience init(
    clock: TestClock = TestClock(), maxWaitingBytes: Int = 1 << 30, settlesAtOnce: Bool = true,
    _ configure: (inout EndUserConfiguration) -> Void = { _ in }, makeSieve: SpanSieveFactory? = nil
  ) {
    self.init(
      clock: clock, disk: FakeDisk { clock.now }, maxWaitingBytes: maxWaitingBytes, settlesAtOnce: settlesAtOnce,
      configure, makeSieve: makeSieve)
  }
}

/// The time of the machine, which goes on between the runs.
final class TestClock: Sendable {
  private let time = Atomic<UInt64>(1_000_000_000_000)
  var now: UInt64 { time.load(ordering: .relaxed) }
  func pass(_ duration: Duration) { time.add(duration.nanoseconds, ordering: .relaxed) }
}
