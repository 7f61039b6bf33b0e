import Locks
import SelfTelemetry
import Synchronization

/// The segments of a spool, and the lock for where its records are.
final class SegmentStore: @unchecked Sendable {
  // Sendable: `segments` is touched only under `lock`.

  static let logSuffix = ".log"
  static let doneSuffix = ".done"
  static let spareSuffix = ".spare"

  let configuration: Spool.Configuration
  let directory: SpoolDirectory
  let budget: SpoolBudget
  let log: Log
  let metrics: SpoolMetrics

  /// Held for moments only, never while a file is written or synced. Taken after the writer's lock.
  let lock = Lock()
  var segments: [UInt64: Segment] = [:]
  let spares: SpareSegments
  /// Whether there was no space to take when it was last looked at.
  private let hasShortage = Atomic<Bool>(false)

  init(
    _ configuration: Spool.Configuration, budget: SpoolBudget, log: Log, registry: MetricRegistry,
    labels: MetricRegistry.Labels
  ) throws(SpoolError) {
    self.configuration = configuration
    self.budget = budget
    self.log = log
    metrics = SpoolMetrics(registry, labels)
    directory = try SpoolDirectory(configuration.directory, operations: configuration.operations)
    spares = SpareSegments(directory: directory, budget: budget, segmentBytes: configuration.segmentBytes)
    lookAtDisk()
  }

  /// Finds out how much the disk still takes: requests are refused before it is full, so that what frees space can be
  /// written. Says when that begins.
  func lookAtDisk() {
    // Looked up before: what is written meanwhile makes the limit too small rather than too large.
    let used = budget.used
    budget.noteFree(directory.freeBytes, beside: used)
    let shortage = shortage
    let wasShort = hasShortage.exchange(shortage != nil, ordering: .relaxed)
    if let shortage, !wasShort {
      log.warn(
        "nothing is taken until there is space again",
        ["directory": directory.path, "error": shortage.description])
    }
  }

  /// Why no space is left to take; nil if there is.
  var shortage: SpoolError? {
    guard budget.isUsedUp(reserve: configuration.usesReserve) else { return nil }
    guard budget.limit < budget.maxBytes else { return .full(limit: budget.maxBytes) }
    return .system("the disk of \(directory.path) is nearly full")
  }

  /// Closes the files and lets others have the directory. What is in it counts no more.
  func close() {
    lock.withLock { segments = [:] }
    spares.removeAll()
    budget.take(-metrics.doneBytes.value - metrics.logBytes.value)
    metrics.reset()
    directory.unlock()
  }

  /// The segments in their order.
  func sorted(_ isWanted: (Segment) -> Bool) -> [Segment] {
    lock.withLock { segments.values.filter(isWanted) }.sorted { $0.number < $1.number }
  }

  /// Takes note of bytes written to a segment.
  func grow(_ bytes: Int) {
    budget.take(bytes)
    metrics.logBytes.add(bytes)
  }

  func add(_ segment: Segment) {
    lock.withLock { segments[segment.number] = segment }
    metrics.segments.add(1)
    grow(segment.size)
  }

  /// Takes note that a segment's files are gone.
  func remove(_ segment: Segment) {
    lock.withLock { segments[segment.number] = nil }
    metrics.segments.add(-1)
    grow(-segment.size)
    budget.take(-segment.done.length)
    metrics.doneBytes.add(-segment.done.length)
  }

  /// Where a record's bytes are at the moment. The file can be read as long as somebody has it, whatever happens to the
  /// segment.
  func location(of record: SpoolRecord) throws(SpoolError) -> RecordLocation {
    let location = lock.withLock {
      segments[record.place.segment].map { segment in
        segment.wasRead = true
        return RecordLocation(file: segment.file, salt: segment.salt, place: record.place, table: record.table)
      }
    }
    guard let location else { throw .system("record \(record.sequence) is not in \(directory.path) any more") }
    return location
  }
}
