import EndUser
import Ledger
import Locks
import OTLP
import Pipeline
import SelfTelemetry
import Spool

/// One pipeline: what its receivers hand requests to, down to the batcher that feeds its exporters.
struct TracePipeline {
  /// What takes requests.
  let entry: any TracesConsumer
  /// Its `enduser` processor, if that has traces of its own.
  let endUser: EndUserProcessor?
  private let tap: LedgerTap?
  private let resolutions: ResolutionLog
  private let batcher: Batcher
  private let limiters: [MemoryLimiter]
  private let storage: Storage.Pipeline?
  private let durability: Durability
  private let rules: SpanRules
  private let replay: PipelineReplay?

  /// - Parameters:
  ///   - parts: what it consists of.
  ///   - exporters: where its spans go.
  ///   - storage: what it keeps on disk; nil with `durability: memory`.
  ///   - ledger: what it feeds, if it has an `enduser` processor; nil for none.
  ///   - shared: for log records, the processor of the traces that they belong to; nil for none.
  ///   - durability: `fsync` or `buffered`, with a storage.
  ///   - rules: what receivers index by.
  ///   - interner: the receivers'.
  ///   - registry: where it counts.
  ///   - log: the collector's own log.
  init(
    _ parts: PipelineParts, exporters: [any Exporter], storage: Storage.Pipeline?, ledger: Ledger?,
    sharing shared: EndUserProcessor? = nil, durability: Durability,
    rules: SpanRules, interner: ScopeInterner, registry: MetricRegistry, log: Log
  ) {
    self.storage = storage
    self.durability = durability
    self.rules = rules
    batcher = Batcher(parts.signal, configuration: parts.batching, exporters: exporters, isSpooled: storage != nil)
    let resolutions = ResolutionLog(log)
    self.resolutions = resolutions
    let makeSieve = parts.makeSieve(rules: rules, registry: registry)
    var consumer: any TracesConsumer
    var replayed: EndUserProcessor?
    if parts.signal == .logs, let shared {
      endUser = nil
      replayed = shared
      consumer = shared.makeLogsConsumer(output: batcher, reader: storage?.spool)
    } else if let identity = parts.endUser {
      let processor = EndUserProcessor(
        identity.configuration.fitting(parts.softLimit, hasStorage: storage != nil), rules: rules,
        metrics: EndUserMetrics(
          registry: registry, processor: identity.id.description, pipeline: parts.id.description),
        output: batcher, storage: storage?.endUser(log: log), clock: SpoolClock.now,
        makeSieve: makeSieve, tell: { resolutions.tell($0) })
      endUser = processor
      replayed = processor
      consumer =
        parts.signal == .logs ? processor.makeLogsConsumer(output: batcher, reader: storage?.spool) : processor
    } else {
      endUser = nil
      consumer = PassThrough(output: batcher, makeSieve: makeSieve)
    }
    if let ledger, let identity = parts.endUser, parts.feedsLedger {
      let metrics = LedgerTapMetrics(registry: registry, pipeline: parts.id.description)
      let facts = storage.flatMap { storage in
        storage.facts.map { FactsLog($0, maxBytes: storage.mostFactsBytes, metrics: metrics, log: log) }
      }
      let tap = LedgerTap(
        consumer, signal: parts.signal,
        feed: ledger.feed(pipeline: Self.feedName(of: parts.id, storage?.spool), log: facts),
        endUser: identity.configuration, rules: rules, interner: interner, spool: storage?.spool, metrics: metrics,
        log: log)
      self.tap = tap
      consumer = tap
    } else {
      tap = nil
    }
    if let storage {
      replayed?.expectReplay()
      replay = PipelineReplay(
        SpoolReplay(
          spool: storage.spool, consumer: consumer, signal: parts.signal, rules: rules, interner: interner, log: log,
          isFollowed: tap != nil),
        of: storage.spool, pipeline: parts.id.description, log: log
      ) { [replayed] in replayed?.finishReplay() }
      consumer = SpooledTraces(consumer, spool: storage.spool, durability: durability, isFollowed: tap != nil)
    } else {
      replay = nil
    }
    limiters = parts.limits.map { MemoryLimiter($0, log: log) }
    for limiter in limiters { consumer = MemoryLimited(consumer, limiter: limiter) }
    entry = consumer
  }

  /// Whose sequence numbers the ledger remembers: those of a directory that was deleted say nothing about the next one's.
  private static func feedName(of id: ComponentID, _ spool: Spool?) -> String {
    spool.map { "\(id) \(String($0.identity(), radix: 16))" } ?? id.description
  }

  func start() {
    for limiter in limiters { limiter.start() }
    if let storage {
      storage.start(rules: rules, durability: durability)
      endUser?.restore()
    }
    tap?.start()
    endUser?.start()
    replay?.start()
  }

  /// See `Assembly.waitForReplay`.
  func waitForReplay(until deadline: UInt64, unless isCancelled: () -> Bool) {
    replay?.wait(until: deadline, unless: isCancelled)
  }

  /// Ends the replay; what is left of it stays for the next start.
  func stopReplay() { replay?.stop() }

  /// Hands on what waits, when every replay has ended: all of it without a storage, else what need not wait any longer. No request may come any more.
  /// `deadline` is in monotonic nanoseconds.
  func stop(until deadline: UInt64) {
    for limiter in limiters { limiter.stop() }
    endUser?.stop(until: deadline, keepsWaiting: storage != nil)
    tap?.stop()
    resolutions.finish()
    batcher.close(until: deadline)
  }
}
