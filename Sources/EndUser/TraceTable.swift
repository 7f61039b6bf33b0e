import Synchronization
import Locks
import OTLP
import SelfTelemetry

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

    init(_ configuration: EndUserConfiguration, plan: IdentityPlan, metrics: EndUserMetrics) {
      self.plan = plan
      self.metrics = metrics
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

  static let shardCount = 16
  private let shards: [TraceShard]
  private let settings: Settings
  private let maxTraces: Int
  private let maxBytes: Int

  init(_ configuration: EndUserConfiguration, plan: IdentityPlan, metrics: EndUserMetrics) {
    let settings = Settings(configuration, plan: plan, metrics: metrics)
    self.settings = settings
    shards = (0..<Self.shardCount).map { _ in TraceShard(settings: settings) }
    maxTraces = configuration.maxTraces
    maxBytes = configuration.maxBufferedMiB << 20
  }

  /// Takes a request's spans. What leaves by them is appended to `emissions`; `traces` is scratch memory that its
  /// direct spans refer to.
  func accept(_ batch: SpanBatch, traces: RequestTraces, now: UInt64, into emissions: inout [Emission]) {
    traces.fill(batch, seed: settings.seed, shardCount: Self.shardCount)
    let spans = traces.spans
    var position = 0
    for (shard, end) in zip(shards, traces.shardEnds) where position < Int(end) {
      shard.lock.withLock {
        while position < Int(end) {
          shard.accept(traces.traces[Int(traces.order[position])], of: spans, now: now, into: &emissions)
          position += 1
        }
        shard.publishOldest()
      }
    }
    enforceLimits(now: now, into: &emissions)
  }

  /// Resolves what has waited long enough, a part at a time: hands each part to `emit`.
  func sweep(now: UInt64, emit: (inout [Emission]) -> Void) {
    for shard in shards {
      var hasMore = true
      while hasMore {
        var emissions: [Emission] = []
        shard.lock.withLock {
          hasMore = shard.sweep(now: now, into: &emissions)
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
        reason = .maxBufferedMiB
      } else {
        return
      }
      guard let emission = resolveOldest(reason, now: now) else { return }
      emissions.append(emission)
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
