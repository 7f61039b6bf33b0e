import Locks
import OTLP
import SelfTelemetry
import Spool
import Synchronization

/// All traces that wait for their root, and those that were resolved lately, in shards by trace id.
final class TraceTable: Sendable {
  /// What the shards need to know of the configuration. Durations are nanoseconds.
  final class Settings: Sendable {
    let plan: IdentityPlan
    let metrics: EndUserMetrics
    /// Of the hashes of ids, which senders choose.
    let seed: UInt64
    let fallback: EndUserConfiguration.Fallback
    let fallbackWait: UInt64
    let localRootWait: UInt64
    let rootWait: UInt64
    let resolvedFor: UInt64
    let maxSpansPerTrace: Int
    let maxResolvedPerShard: Int
    let maxResolvedBytesPerShard: Int
    let tellsResolutions: Bool
    /// Nil: what waits is in memory alone, and dies with the process.
    let storage: EndUserStorage.Access?

    init(
      _ configuration: EndUserConfiguration, plan: IdentityPlan, metrics: EndUserMetrics,
      storage: EndUserStorage.Access?
    ) {
      self.plan = plan
      self.metrics = metrics
      self.storage = storage
      seed = .random(in: 1 ... .max)
      fallback = configuration.fallback
      fallbackWait = configuration.fallbackWait.nanoseconds
      localRootWait = configuration.localRootWait.nanoseconds
      rootWait = configuration.rootWait.nanoseconds
      resolvedFor = configuration.resolvedFor.nanoseconds
      maxSpansPerTrace = configuration.maxSpansPerTrace
      maxResolvedPerShard = max(
        1, (configuration.maxResolvedTraces + TraceTable.shardCount - 1) / TraceTable.shardCount)
      maxResolvedBytesPerShard = (configuration.maxResolvedMiB << 20) / TraceTable.shardCount
      tellsResolutions = configuration.logTraces
    }
  }

  /// When spans come.
  struct Time {
    /// When they were accepted, perhaps by an earlier run: their waits count from here.
    let arrival: UInt64
    let now: UInt64
    let lane: TraceEntry.Lane

    init(of batch: SpanBatch, now: UInt64) {
      arrival = batch.isReplay ? min(batch.record?.arrival ?? now, now) : now
      self.now = now
      lane = batch.isReplay ? .replayed : .live
    }
  }

  static let shardCount = 16
  private let shards: [TraceShard]
  private let settings: Settings
  private let maxTraces: Int
  private let maxBytes: Int
  /// The arrival of what is replayed at the moment; `.max` when nothing is. Waits of replayed traces end as of this time, so
  /// that who would have come in time still does.
  private let horizon = Atomic<UInt64>(.max)

  /// `maxBytes` bounds waiting spans in memory; nil: what the configuration says.
  init(
    _ configuration: EndUserConfiguration, plan: IdentityPlan, metrics: EndUserMetrics,
    storage: EndUserStorage.Access? = nil, maxBytes: Int? = nil
  ) {
    let settings = Settings(configuration, plan: plan, metrics: metrics, storage: storage)
    self.settings = settings
    shards = (0..<Self.shardCount).map { _ in TraceShard(settings: settings) }
    maxTraces = configuration.maxTraces
    self.maxBytes = maxBytes ?? configuration.maxBufferedMiB << 20
  }

  /// Takes a request's spans. What leaves by them is appended to `emissions`; `traces` is scratch memory that its
  /// direct spans refer to.
  func accept(_ batch: SpanBatch, traces: RequestTraces, now: UInt64, into emissions: inout [Emission]) {
    traces.fill(batch, seed: settings.seed, shardCount: Self.shardCount)
    let spans = traces.spans
    let time = Time(of: batch, now: now)
    var position = 0
    for (shard, end) in zip(shards, traces.shardEnds) where position < Int(end) {
      shard.lock.withLock {
        while position < Int(end) {
          shard.accept(traces.traces[Int(traces.order[position])], of: spans, at: time, into: &emissions)
          position += 1
        }
        shard.publishOldest()
      }
    }
    enforceLimits(now: now, into: &emissions)
  }

  /// Takes a request's log records, which leave through that outlet; see `accept`. Those of no trace leave at once.
  func acceptLogs(
    _ batch: SpanBatch, for outlet: Int, traces: RequestTraces, now: UInt64, into emissions: inout [Emission]
  ) {
    traces.fill(batch, seed: settings.seed, shardCount: Self.shardCount)
    let time = Time(of: batch, now: now)
    var position = 0
    for (shard, end) in zip(shards, traces.shardEnds) where position < Int(end) {
      shard.lock.withLock {
        while position < Int(end) {
          let trace = traces.traces[Int(traces.order[position])]
          if trace.id == .none {
            emissions.append(Emission(trace: trace.id, identity: nil, direct: trace.first))
          } else {
            shard.acceptLogs(trace, of: traces.spans, for: outlet, at: time, into: &emissions)
          }
          position += 1
        }
        shard.publishOldest()
      }
    }
    enforceLimits(now: now, into: &emissions)
  }

  /// Resolves what has waited long enough, a part at a time: hands each part to `emit`.
  func sweep(now: UInt64, emit: (inout [Emission]) -> Void) {
    let horizon = horizon.load(ordering: .acquiring)
    forEachShard(emit) { $0.sweep(now: now, horizon: horizon, into: &$1) }
  }

  /// Begins a replay: until it ends, time stands still for what an earlier run accepted, unless `replay` moves it.
  func beginReplay() { horizon.store(0, ordering: .releasing) }

  /// A request of that arrival is replayed next: ends the waits of replayed traces that ended before it came.
  func replay(until arrival: UInt64, now: UInt64, emit: (inout [Emission]) -> Void) {
    let horizon = min(arrival, now)
    if self.horizon.load(ordering: .relaxed) != .max { self.horizon.store(horizon, ordering: .releasing) }
    forEachShard(emit) { $0.sweepReplayed(until: horizon, now: now, into: &$1) }
  }

  /// Ends a replay: all waits end in the present again.
  func finishReplay() { horizon.store(.max, ordering: .releasing) }

  /// Remembers what the journal has of earlier runs. To be called before the first request.
  ///
  /// - Returns: how many entries were read.
  func restore() -> Int {
    var count = 0
    settings.storage?.journal.replay { entry, time in
      guard let entry else { return settings.metrics.unreadableIdentities.add() }
      count += 1
      let hash = TraceHash.hash(entry.trace, settings.seed ^ entry.tenant)
      let shard = shards[RequestTraces.shard(hash, of: Self.shardCount)]
      shard.lock.withLock { shard.restore(entry, hash: hash, resolvedAt: time) }
    }
    return count
  }

  /// Calls `work` with each shard, under its lock, until it says that no more is due, and hands what leaves to `emit`.
  private func forEachShard(_ emit: (inout [Emission]) -> Void, work: (TraceShard, inout [Emission]) -> Bool) {
    for shard in shards {
      var hasMore = true
      while hasMore {
        var emissions: [Emission] = []
        shard.lock.withLock {
          hasMore = work(shard, &emissions)
          shard.publishOldest()
        }
        emit(&emissions)
      }
    }
  }

  /// Resolves everything that waits.
  func releaseAll(_ reason: Unattributed, now: UInt64, emit: (inout [Emission]) -> Void) {
    for shard in shards {
      while true {
        let emission = shard.lock.withLock {
          defer { shard.publishOldest() }
          return shard.resolveOldest(reason, now: now)
        }
        guard let emission else { break }
        var emissions = [emission]
        emit(&emissions)
      }
    }
  }

  private func enforceLimits(now: UInt64, into emissions: inout [Emission]) {
    while true {
      let reason: Unattributed
      if settings.metrics.waitingTraces.value > maxTraces {
        reason = .maxTraces
      } else if settings.metrics.waitingBytes.value > maxBytes {
        if spillOldest() { continue }
        reason = .maxBufferedMiB
      } else {
        return
      }
      guard let emission = resolveOldest(reason, now: now) else { return }
      emissions.append(emission)
    }
  }

  /// Leaves spans that wait to the spool; false when none of those in memory can go there, and they are still too many.
  private func spillOldest() -> Bool {
    guard settings.storage != nil else { return false }
    let oldest = shards.min {
      $0.oldestInMemory.load(ordering: .relaxed) < $1.oldestInMemory.load(ordering: .relaxed)
    }
    if let oldest, oldest.oldestInMemory.load(ordering: .relaxed) != .max, spill(oldest) { return true }
    // Spans are counted before their shard publishes them: nobody is given up for what another thread is about to show.
    return shards.contains(where: spill) || settings.metrics.waitingBytes.value <= maxBytes
  }

  /// False when the shard has nothing in memory that could go.
  private func spill(_ shard: TraceShard) -> Bool {
    shard.lock.withLock {
      guard shard.spillable.first != nil else { return false }
      shard.spill(to: maxBytes)
      shard.publishOldest()
      return true
    }
  }

  private func resolveOldest(_ reason: Unattributed, now: UInt64) -> Emission? {
    let oldest = shards.min { $0.oldest.load(ordering: .relaxed) < $1.oldest.load(ordering: .relaxed) }
    guard let shard = oldest else { return nil }
    return shard.lock.withLock {
      defer { shard.publishOldest() }
      return shard.resolveOldest(reason, now: now)
    }
  }
}
