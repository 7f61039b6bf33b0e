import Locks
import OTLP
import SelfTelemetry
import Spool

/// Requests that the ledger had no room for: they wait in their spool, and are read back one by one. And those that are in the spool
/// until the ledger has committed what they say: when the spool is full, both are let go.
final class LedgerBacklog: @unchecked Sendable {
  // Sendable: what is variable is touched only under `lock`, but `thread`, which belongs to who starts and stops.

  private let spool: Spool
  private let feed: LedgerFeed
  private let signal: Signal
  private let facts: RequestFacts
  private let rules: SpanRules
  private let interner: ScopeInterner
  private let metrics: LedgerTapMetrics
  private let log: Log
  private let lock = Lock()
  private var waiting: [SpoolRecord] = []
  /// Of `waiting`, those that were taken out.
  private var taken = 0
  private var isStopping = false
  /// What was said, each once.
  private var reported: Set<String> = []
  private var thread: BackgroundThread?
  /// How often a ledger without room is asked again.
  private static let interval: UInt64 = 20_000_000
  /// How often is looked whether the spool is full of what the ledger holds.
  private static let watchInterval: UInt64 = 250_000_000

  init(
    spool: Spool, signal: Signal, feed: LedgerFeed, facts: RequestFacts, rules: SpanRules, interner: ScopeInterner,
    metrics: LedgerTapMetrics, log: Log
  ) {
    self.spool = spool
    self.feed = feed
    self.signal = signal
    self.facts = facts
    self.rules = rules
    self.interner = interner
    self.metrics = metrics
    self.log = log
  }

  var isEmpty: Bool { lock.withLock { taken == waiting.count } }

  func append(_ record: SpoolRecord) {
    lock.withLock {
      waiting.append(record)
      lock.wakeAll()
    }
  }

  func start() { thread = BackgroundThread(name: "ledger backlog") { [self] in run() } }

  func stop() {
    lock.withLock {
      isStopping = true
      lock.wakeAll()
    }
    thread?.join()
    thread = nil
  }

  private func run() {
    var scratch = FactsScratch(facts)
    let index = SpanIndex()
    while let record = next() {
      if isFull {
        giveUp(record, because: "the spool is full")
      } else if !bring(record, index, &scratch) {
        lock.withLock {
          taken -= 1
          if !isStopping { lock.wait(until: MonotonicClock.now() + Self.interval) }
        }
      }
    }
  }

  /// Whoever waits for space in the spool comes first.
  private var isFull: Bool { if case .full = spool.refusal { true } else { false } }

  /// Lets go what only stays for the ledger's sake, when the spool is full.
  private func letGo() {
    guard isFull else { return }
    let count = feed.letGo()
    guard count > 0 else { return }
    metrics.unbackedRequests.add(count)
    report("the ledger is behind and the spool is full: what requests said is in memory and nowhere else", [:])
  }

  /// The oldest, once there is one; nil at the end.
  private func next() -> SpoolRecord? {
    while lock.withLock({ taken == waiting.count && !isStopping }) {
      lock.withLock {
        guard taken == waiting.count, !isStopping else { return }
        if feed.holdsRequests { lock.wait(until: MonotonicClock.now() + Self.watchInterval) } else { lock.wait() }
      }
      if feed.holdsRequests { letGo() }
    }
    return lock.withLock {
      guard !isStopping else { return nil }
      taken += 1
      // Shortened now and then, not each time.
      if taken > 1024, taken * 2 > waiting.count {
        waiting.removeFirst(taken - 1)
        taken = 1
      }
      return waiting[taken - 1]
    }
  }

  /// - Returns: false when there is no room.
  private func bring(_ record: SpoolRecord, _ index: SpanIndex, _ scratch: inout FactsScratch) -> Bool {
    guard feed.hasRoom else { return false }
    do {
      let payload = try spool.readAll(record)
      return try payload.withUnsafeBytes { bytes in
        try index.fill(from: bytes, signal: signal, rules: rules)
        let batch = SpanBatch(bytes: bytes, index: index, interner: interner) { _ in }
        return feed.take(SpanBatch(batch, record: record), with: &scratch)
      }
    } catch {
      giveUp(record, because: "\(error)")
      return true
    }
  }

  private func giveUp(_ record: SpoolRecord, because reason: String) {
    metrics.givenUpRequests.add()
    record.markFollowed()
    if feed.holdsRequests { letGo() }
    report("the ledger is behind and misses requests", ["sequence": String(record.sequence), "error": reason])
  }

  private func report(_ line: String, _ fields: KeyValuePairs<String, String>) {
    guard !reported.contains(line) else { return }
    reported.insert(line)
    log.error(line, fields)
  }
}
