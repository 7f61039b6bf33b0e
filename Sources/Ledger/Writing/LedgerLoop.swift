import Glibc
import Locks
import SelfTelemetry

/// What the ledger's thread does.
struct LedgerLoop {
  /// nil while the file cannot be opened again.
  var writer: LedgerWriter?
  private let configuration: LedgerConfiguration
  private let queue: LedgerQueue
  private let requests: AppliedRequests
  private let log: Log
  private let metrics: LedgerMetrics

  /// Taken from the queue, not committed.
  private var items: [LedgerQueue.Item] = []
  private var failures = 0
  /// What was last said about one.
  private var lastFailure = ""
  private var nextRetention: UInt64 = 0
  private var nextCompaction: UInt64 = 0
  /// That the latest transaction brought.
  private var newTraces = 0
  private var lastConflictLine: UInt64?
  private let deadline: @Sendable () -> UInt64

  private static let retentionInterval = Duration.seconds(10).nanoseconds
  private static let compactionPause = Duration.seconds(3600).nanoseconds
  private static let conflictLineInterval = Duration.seconds(300).nanoseconds
  private static let firstPause = Duration.milliseconds(250).nanoseconds
  private static let longestPause = Duration.seconds(30).nanoseconds
  /// Bytes that the write-ahead log may have before readers are made to wait for its end.
  private static let longestLog = 256 << 20

  /// `deadline`: when to give up what cannot be written after that, in monotonic nanoseconds; the last moment of all while the
  /// ledger does not stop.
  init(
    _ configuration: LedgerConfiguration, queue: LedgerQueue, requests: AppliedRequests, log: Log,
    metrics: LedgerMetrics, deadline: @escaping @Sendable () -> UInt64
  ) {
    self.deadline = deadline
    self.configuration = configuration
    self.queue = queue
    self.requests = requests
    self.log = log
    self.metrics = metrics
  }

  /// Works until the ledger stops.
  mutating func run() {
    writer?.wait(until: deadline)
    let stopped = Result<LedgerWriter, LedgerError>.failure(.stopped)
    var next = MonotonicClock.now() + configuration.interval.nanoseconds
    while true {
      let work = queue.take(at: next)
      items = work.items
      next = max(MonotonicClock.now(), next) + (queue.isEmpty ? configuration.interval.nanoseconds : 0)
      let isCommitted = commit()
      for order in work.orders { order(isCommitted ? writer.map(Result.success) ?? stopped : stopped) }
      if work.isStopping && (queue.isEmpty || !isCommitted || MonotonicClock.now() >= deadline()) { break }
      if !work.isStopping { lookAfterFile() }
    }
    warnOfLoss()
    writer?.close()
    writer = nil
  }

  /// Writes the items, again and again if need be; false when the ledger stops meanwhile and the deadline has passed.
  private mutating func commit() -> Bool {
    let batch = items.compactMap { $0.read() }
    newTraces = 0
    while !items.isEmpty || writer == nil {
      do throws(LedgerError) {
        let tally = try opened().apply(batch)
        newTraces = tally.newTraces
        if tally.conflictingSessions > 0 { warnOfConflicts() }
        succeeded()
        break
      } catch {
        failed(error)
        let now = MonotonicClock.now()
        let pause = min(Self.firstPause << UInt64(min(failures - 1, 10)), Self.longestPause)
        let work = queue.pause(until: now + pause)
        for order in work.orders { order(.failure(error)) }
        if work.isStopping {
          if MonotonicClock.now() >= deadline() { return false }
          usleep(50_000)
        }
      }
    }
    for item in items { item.finish() }
    queue.done(items)
    items = []
    return true
  }

  private mutating func opened() throws(LedgerError) -> LedgerWriter {
    if let writer { return writer }
    let opened = try LedgerWriter(configuration, applied: requests, metrics: metrics)
    opened.wait(until: deadline)
    writer = opened
    return opened
  }

  // MARK: Faults

  private mutating func failed(_ error: LedgerError) {
    metrics.failedTransactions.add()
    failures += 1
    if case .replaced = error {
      // What was in it is gone; another one is begun, or found.
      log.error("the ledger's file is gone; beginning anew at its path", ["error": "\(error)"])
      writer = nil
      return
    }
    if lastFailure != "\(error)" {
      lastFailure = "\(error)"
      log.error("the ledger cannot be written; what comes waits and is tried again", ["error": "\(error)"])
    }
  }

  private mutating func succeeded() {
    if failures > 0 { log.info("the ledger is written again", ["failures": String(failures)]) }
    failures = 0
    lastFailure = ""
  }

  private mutating func warnOfConflicts() {
    let now = MonotonicClock.now()
    if let last = lastConflictLine, now < last + Self.conflictLineInterval { return }
    lastConflictLine = now
    log.warn(
      "traces of a session name different end users; the session belongs to that of the latest",
      ["sessions": String(metrics.conflictingSessions.value)])
  }

  /// What waits in memory and is in no spool is gone with the process.
  private func warnOfLoss() {
    let count = items.count { $0.isLostWithProcess } + queue.countLostWithProcess
    guard count > 0 else { return }
    log.error("the ledger stops without what requests said", ["requests": String(count)])
  }

  // MARK: Now and then

  private var isRunning: Bool { deadline() == .max }

  private mutating func lookAfterFile() {
    guard let writer, MonotonicClock.now() >= nextRetention else { return }
    do throws(LedgerError) {
      var isUnfinished: Bool
      var lookedAt = 0
      repeat {
        isUnfinished = try writer.retain().isUnfinished
        lookedAt += LedgerWriter.retentionSlice
        // What comes goes first, but not faster than what is old can go.
      } while isUnfinished && (queue.isIdle || lookedAt < 2 * newTraces && isRunning)
      nextRetention = isUnfinished ? 0 : MonotonicClock.now() + Self.retentionInterval
      try writer.boundLog(to: Self.longestLog)
      if writer.hasResidue { _ = try writer.scrub() }
      if !isUnfinished { compact(writer) }
    } catch {
      failed(error)
      nextRetention = MonotonicClock.now() + Self.retentionInterval
    }
  }

  /// Nothing depends on it: what fails is tried again much later.
  private mutating func compact(_ writer: LedgerWriter) {
    let now = MonotonicClock.now()
    guard now >= nextCompaction else { return }
    do throws(LedgerError) {
      guard let saved = try writer.compact(while: { isRunning }) else { return }
      log.info("gave back what was free in the ledger's file", ["bytes": String(saved)])
    } catch {
      nextCompaction = now + Self.compactionPause
      if isRunning { log.warn("cannot give back what is free in the ledger's file", ["error": "\(error)"]) }
    }
  }
}
