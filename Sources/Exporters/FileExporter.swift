import Glibc
import Locks
package import OTLP
import Pipeline
package import SelfTelemetry
package import Spool

/// Writes each request, of whatever signal, to a file as one record, in the order of their acceptance, on a thread of its own.
///
/// While the disk refuses, accepted requests wait; when too many wait, new ones are refused.
package final class FileExporter: Exporter, @unchecked Sendable {
  // Sendable: the mutable properties are touched under `lock`, the writer by its thread only (and by `start`, before).

  /// Appends the JSON form of a request of that signal.
  package typealias Encode = @Sendable (UnsafeRawBufferPointer, Signal, inout [UInt8]) throws -> Void

  package let id: String
  private let metrics: [Signal: ExporterMetrics]
  private let refusing: FailureLog
  private let log: Log
  private let writer: FileWriter
  private let durability: Durability

  private let lock = Lock()
  private var requests: RequestBuffer
  private var thread: BackgroundThread?
  private var drainDeadline: UInt64?
  /// Whether the thread knows that it drains.
  private var isHurried = false
  /// Whether the thread has done all it will do.
  private var hasEnded = false

  /// An exporter that has not opened its file.
  ///
  /// - Parameters:
  ///   - id: of the component.
  ///   - signals: of the requests that it will get.
  ///   - configuration: of the exporter.
  ///   - encode: used for the format `json`.
  ///   - compress: makes a frame of a whole message; used where the configuration says that messages are compressed.
  ///   - durability: of what was accepted. With `fsync` a request is settled when the disk has it, else when the system
  ///     has. But for `memory`, the pipeline keeps what is not settled, so nothing may be dropped for want of room.
  ///   - registry: where the exporter's metrics go.
  ///   - log: the collector's log.
  package init(
    id: String, signals: Set<Signal> = [.traces], configuration: FileExporterConfiguration, encode: @escaping Encode,
    compress: @escaping @Sendable ([UInt8]) -> [UInt8], durability: Durability = .memory, registry: MetricRegistry,
    log: Log
  ) {
    self.id = id
    self.durability = durability
    self.log = log
    let metrics = ExporterMetrics.shared(exporter: id, signals: signals, registry: registry)
    self.metrics = metrics
    refusing = FailureLog(
      "queue is full, refused", level: .error, exporter: id, itemsKey: Self.itemsKey(of: signals), log: log)
    requests = RequestBuffer(
      QueueLimits(sizer: .requests, size: configuration.queueSize, bytes: configuration.queueMebibytes << 20))
    let errors = registry.counter(
      "heirloom_exporter_write_errors", help: "Attempts to write to a file that failed.", labels: [("exporter", id)])
    writer = FileWriter(
      id: id, configuration: configuration, encode: encode, compress: compress, syncs: durability == .fsync,
      metrics: metrics, itemsKey: Self.itemsKey(of: signals), errors: errors, log: log)
    metrics.values.first?.observeQueue(capacity: configuration.queueSize) { [weak self] in
      guard let self else { return 0 }
      return lock.withLock { self.requests.usedSize }
    }
  }

  /// What items are called in lines that count all of them together.
  private static func itemsKey(of signals: Set<Signal>) -> String {
    signals.count == 1 ? signals.first?.itemsKey ?? "items" : "items"
  }

  package func start() throws {
    try writer.open()
    lock.withLock { thread = BackgroundThread(name: "write \(id)") { self.run() } }
  }

  @discardableResult
  package func export(_ request: EncodedRequest) -> Bool {
    let isTaken = lock.withLock {
      let isKept = durability != .memory
      // What comes now is never settled, and so not lost.
      guard drainDeadline == nil else { return isKept }
      guard requests.admit(request, now: MonotonicClock.now(), mayOverfill: isKept) else { return false }
      lock.wakeAll()
      return true
    }
    if isTaken {
      refusing.succeeded()
    } else {
      metrics[request.signal]?.enqueueFailed.add(request.itemCount)
      refusing.failed("no room for another request", items: request.itemCount)
    }
    return isTaken
  }

  package var isFull: Bool { lock.withLock { drainDeadline != nil || requests.isFull } }

  package var blocksOnOverflow: Bool { durability != .memory }

  package func drain(until deadline: UInt64) {
    // The thread watches the deadline itself. Only if the system never returns from a write, it is left behind.
    let grace: UInt64 = 200_000_000
    let (thread, lost) = lock.withLock {
      drainDeadline = deadline
      lock.wakeAll()
      while self.thread != nil, !hasEnded, lock.wait(until: deadline &+ grace) {}
      var lost: [Signal: Int] = [:]
      while let entry = requests.takeFirst() {
        if let signal = entry.request?.signal { lost[signal, default: 0] += entry.itemCount }
        requests.release(entry)
      }
      defer { self.thread = nil }
      if !hasEnded { writer.leaveBehind() }
      return (hasEnded ? self.thread : nil, lost)
    }
    thread?.join()
    let unwritten = thread == nil ? lost : lost.merging(writer.unwrittenItems, uniquingKeysWith: +)
    guard !unwritten.isEmpty else { return }
    for (signal, items) in unwritten {
      let fields: Log.Fields = ["exporter": id, signal.itemsKey: String(items)]
      guard durability == .memory else {
        log.info("stopped before everything was written; the rest is kept for the next start", fields)
        continue
      }
      metrics[signal]?.sendFailed.add(items)
      log.error("stopped before everything was written", fields)
    }
  }

  // What follows runs on the exporter's thread.

  private enum Task {
    case write(EncodedRequest)
    case flush
  }

  private func run() {
    FileWriter.blockSignals()
    while let task = nextTask() {
      switch task {
      case .flush:
        writer.flush()
      case .write(let request):
        guard writer.write(request) else { continue }
        lock.withLock {
          guard let entry = requests.takeFirst() else { return }
          requests.release(entry)
        }
      }
    }
    lock.withLock {
      hasEnded = true
      lock.wakeAll()
    }
  }

  /// Waits for something to do; nil at the end.
  private func nextTask() -> Task? {
    lock.withLock {
      while true {
        let now = MonotonicClock.now()
        if let drainDeadline {
          // One more attempt for a disk that refused before; after that there is no time to wait for better.
          if !isHurried { writer.endPause() }
          isHurried = true
          if now >= drainDeadline || writer.pauseEnd != nil { return nil }
        } else if let pause = writer.pauseEnd, pause > now {
          lock.wait(until: pause)
          continue
        }
        if writer.mustFlush(now: now) { return .flush }
        if let request = requests.first?.request { return .write(request) }
        if drainDeadline != nil { return writer.isEmpty ? nil : .flush }
        lock.wait(until: writer.flushTime)
      }
    }
  }
}
