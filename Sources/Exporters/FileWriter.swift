import Glibc
import Locks
import OTLP
import Pipeline
import SelfTelemetry

/// Turns requests into records of a file and decides when they are written. Used by one thread.
final class FileWriter {
  private let configuration: FileExporterConfiguration
  private let encode: FileExporter.Encode
  private let compress: @Sendable ([UInt8]) -> [UInt8]
  private let metrics: [Signal: ExporterMetrics]
  private let errors: Counter
  private let failing: FailureLog
  private let malformed: FailureLog
  private let file: RecordFile

  private var message: [UInt8] = []
  private var record: [UInt8] = []
  private var consecutiveFailures = 0

  /// When the oldest unwritten record must be written; nil when there is none.
  private(set) var flushTime: UInt64?
  /// Until when to leave the disk alone, after a failure.
  private(set) var pauseEnd: UInt64?

  /// Bytes that a scratch buffer may keep for the next record.
  private static let keptCapacity = 4 << 20
  /// Bytes that are worth a write of their own.
  private static let bufferLimit = 256 << 10
  private static let firstPause: UInt64 = 100_000_000
  private static let longestPause: UInt64 = 5_000_000_000

  init(
    id: String, configuration: FileExporterConfiguration, encode: @escaping FileExporter.Encode,
    compress: @escaping @Sendable ([UInt8]) -> [UInt8], syncs: Bool, metrics: [Signal: ExporterMetrics],
    itemsKey: String,
    errors: Counter, log: Log
  ) {
    self.configuration = configuration
    self.encode = encode
    self.compress = compress
    self.metrics = metrics
    self.errors = errors
    failing = FailureLog("cannot write, trying again", level: .error, exporter: id, itemsKey: itemsKey, log: log)
    malformed = FailureLog(
      "cannot encode a request, dropped", level: .error, exporter: id, itemsKey: itemsKey, log: log)
    file = RecordFile(
      configuration, syncs: syncs, delivered: { metrics[$0.signal]?.sent.add($0.itemCount) },
      notice: { log.warn($0, ["exporter": id, "path": configuration.path]) })
  }

  /// A pipe that was closed and a file size limit are errors of a write, not the end of the process. Both signals go to
  /// the thread that wrote.
  static func blockSignals() {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGPIPE)
    sigaddset(&signals, SIGXFSZ)
    pthread_sigmask(SIG_BLOCK, &signals, nil)
  }

  /// See `RecordFile`.
  func leaveBehind() { file.leaveBehind() }

  /// Items of the records that wait to be written.
  var unwrittenItems: [Signal: Int] {
    file.bufferedRequests.reduce(into: [:]) { $0[$1.signal, default: 0] += $1.itemCount }
  }

  /// Whether nothing waits to be written.
  var isEmpty: Bool { file.bufferedBytes == 0 }

  func open() throws {
    // A rotated file is always continued: what is in it would never get its turn to be put aside.
    try file.open(truncating: !configuration.append && configuration.rotation == nil)
  }

  func mustFlush(now: UInt64) -> Bool {
    !isEmpty && (file.bufferedBytes >= Self.bufferLimit || flushTime.map { $0 <= now } == true)
  }

  /// Makes a record of the request.
  ///
  /// - Parameter request: the oldest that waits.
  /// - Returns: false when the disk refused, and the request must come again.
  func write(_ request: EncodedRequest) -> Bool {
    // One huge request must not cost its size for ever.
    defer { if record.capacity > Self.keptCapacity { record = [] } }
    do {
      try makeRecord(of: request)
    } catch {
      metrics[request.signal]?.sendFailed.add(request.itemCount)
      malformed.failed("\(error)", items: request.itemCount)
      request.settle()
      return true
    }
    let isAdded = attempt(items: request.itemCount) { () throws(FileError) in
      try file.append(record, of: request)
    }
    if isAdded, flushTime == nil { flushTime = MonotonicClock.now() &+ configuration.flushInterval.nanoseconds }
    return isAdded
  }

  func flush() {
    let isWritten = attempt(items: file.bufferedRequests.reduce(0) { $0 + $1.itemCount }) { () throws(FileError) in
      try file.flush()
    }
    if isEmpty { flushTime = nil }
    guard isWritten else { return }
    pauseEnd = nil
    consecutiveFailures = 0
    failing.succeeded()
  }

  /// The next attempt may begin at once.
  func endPause() {
    pauseEnd = nil
  }

  private func attempt(items: Int, _ operation: () throws(FileError) -> Void) -> Bool {
    do throws(FileError) {
      try operation()
      return true
    } catch {
      errors.add()
      failing.failed(error.description, items: items)
      pauseEnd = MonotonicClock.now() &+ min(Self.firstPause << UInt64(min(consecutiveFailures, 6)), Self.longestPause)
      consecutiveFailures += 1
      return false
    }
  }

  private func makeRecord(of request: EncodedRequest) throws {
    message.removeAll(keepingCapacity: true)
    defer { if message.capacity > Self.keptCapacity { message = [] } }
    if configuration.format == .json {
      try request.withContiguousBytes { try encode($0, request.signal, &message) }
    } else {
      for index in 0..<request.segmentCount { message.append(contentsOf: request.segment(index)) }
    }
    if configuration.isCompressed { message = compress(message) }
    record.removeAll(keepingCapacity: true)
    if configuration.isLengthPrefixed {
      guard let length = UInt32(exactly: message.count) else { throw TooLarge() }
      withUnsafeBytes(of: length.bigEndian) { record.append(contentsOf: $0) }
    }
    record.append(contentsOf: message)
    if !configuration.isLengthPrefixed { record.append(UInt8(ascii: "\n")) }
  }

  private struct TooLarge: Error, CustomStringConvertible {
    let description = "larger than the 4 GiB that its length can tell"
  }
}
