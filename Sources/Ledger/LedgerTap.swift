package import EndUser
import Locks
package import OTLP
package import Pipeline
package import SelfTelemetry
package import Spool

/// Hands a pipeline's requests to the ledger on their way to the `enduser` processor, and never holds one up.
///
/// What the ledger has no room for stays in the spool, whole, and is read back when there is room. Without a spool it is lost to
/// the ledger, and counted.
package final class LedgerTap: TracesConsumer {
  private let consumer: any TracesConsumer
  private let feed: LedgerFeed
  private let facts: RequestFacts
  private let backlog: LedgerBacklog?
  private let scratches = Locked<[FactsScratch]>([])
  private let metrics: LedgerTapMetrics

  /// - Parameters:
  ///   - consumer: the pipeline behind the tap.
  ///   - signal: the pipeline's: of traces the ledger wants all, of log records the scores.
  ///   - feed: the ledger's, for this pipeline.
  ///   - endUser: the pipeline's processor, whose keys say who a span belongs to.
  ///   - rules: what receivers index by; the ledger's keys are registered there.
  ///   - interner: the receivers'.
  ///   - spool: the pipeline's, which requests come from with a follower's unit; nil with `durability: memory`.
  ///   - metrics: see there.
  ///   - log: the collector's own log.
  package init(
    _ consumer: any TracesConsumer, signal: Signal = .traces, feed: LedgerFeed, endUser: EndUserConfiguration,
    rules: SpanRules,
    interner: ScopeInterner, spool: Spool?, metrics: LedgerTapMetrics, log: Log
  ) {
    self.consumer = consumer
    self.feed = feed
    let facts = RequestFacts(endUser, feed.privacy, rules: rules)
    self.facts = facts
    self.metrics = metrics
    backlog = spool.map {
      LedgerBacklog(
        spool: $0, signal: signal, feed: feed, facts: facts, rules: rules, interner: interner, metrics: metrics,
        log: log)
    }
  }

  package func start() {
    feed.start()
    backlog?.start()
  }

  /// What the ledger has not got is left to the next start.
  package func stop() { backlog?.stop() }

  package var refusal: Refusal? { consumer.refusal }

  package func consume(_ batch: SpanBatch, completion: @escaping @Sendable (Refusal?) -> Void) {
    show(batch)
    consumer.consume(batch, completion: completion)
  }

  private func show(_ batch: SpanBatch) {
    guard let record = batch.record, let backlog else {
      if !batch.isReplay, facts.hasAny(batch), !take(batch) {
        if batch.signal == .traces { metrics.missedSpans.add(batch.spanCount) } else { metrics.missedRequests.add() }
      }
      return
    }
    guard record.isFollowed else { return }
    if batch.isReplay, feed.isApplied(record.sequence) {
      record.markFollowed()
    } else if !facts.hasAny(batch) {
      record.markFollowed()
    } else if !backlog.isEmpty || !take(batch) {
      backlog.append(record)
    }
  }

  private func take(_ batch: SpanBatch) -> Bool {
    guard feed.hasRoom else { return false }
    var scratch = scratches.withLock { $0.popLast() } ?? FactsScratch(facts)
    let isTaken = feed.take(batch, with: &scratch)
    scratches.withLock { $0.append(scratch) }
    return isTaken
  }
}

/// What a tap counts.
package struct LedgerTapMetrics: Sendable {
  let missedSpans: Counter
  let missedRequests: Counter
  let givenUpRequests: Counter
  let unbackedRequests: Counter

  package init(registry: MetricRegistry, pipeline: String) {
    let labels = [("pipeline", pipeline)]
    missedSpans = registry.counter(
      "heirloom_ledger_missed_spans", help: "Spans that the ledger never saw: it had no room, and there is no spool.",
      labels: labels)
    missedRequests = registry.counter(
      "heirloom_ledger_missed_score_requests",
      help: "Requests of log records with scores that the ledger never saw: it had no room, and there is no spool.",
      labels: labels)
    givenUpRequests = registry.counter(
      "heirloom_ledger_given_up_requests",
      help: "Requests that the ledger never saw: it was behind, and the spool was full or could not be read.",
      labels: labels)
    unbackedRequests = registry.counter(
      "heirloom_ledger_unbacked_requests",
      help: "Requests that the spool was too full to keep for the ledger: it takes them from memory, but for a crash.",
      labels: labels)
  }
}
