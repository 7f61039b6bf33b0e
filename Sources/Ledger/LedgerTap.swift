package import EndUser
import Facts
import Locks
package import OTLP
package import Pipeline
import Privacy
package import SelfTelemetry
package import Spool

/// Hands a pipeline's requests to the ledger on their way to the `enduser` processor, and never holds one up.
///
/// What the ledger has no room for stays in the spool, whole, and is read back when there is room. Without a spool it is lost to
/// the ledger, and counted.
package final class LedgerTap: TracesConsumer {
  private let consumer: any TracesConsumer
  private let feed: LedgerFeed
  private let factory: FactsScratch.Factory
  private let backlog: LedgerBacklog?
  private let scratches = Locked<[FactsScratch]>([])
  private let missed: Counter

  /// - Parameters:
  ///   - consumer: the pipeline behind the tap.
  ///   - feed: the ledger's, for this pipeline.
  ///   - endUser: the pipeline's processor, whose keys say who a span belongs to.
  ///   - rules: what receivers index by; the ledger's keys are registered there.
  ///   - interner: the receivers'.
  ///   - spool: the pipeline's, which requests come from with a follower's unit; nil with `durability: memory`.
  ///   - metrics: see there.
  ///   - log: the collector's own log.
  package init(
    _ consumer: any TracesConsumer, feed: LedgerFeed, endUser: EndUserConfiguration, rules: SpanRules,
    interner: ScopeInterner, spool: Spool?, metrics: LedgerTapMetrics, log: Log
  ) {
    self.consumer = consumer
    self.feed = feed
    let factory = FactsScratch.Factory(endUser, feed.privacy, rules: rules)
    self.factory = factory
    missed = metrics.missedSpans
    backlog = spool.map {
      LedgerBacklog(
        spool: $0, feed: feed, factory: factory, rules: rules, interner: interner, metrics: metrics, log: log)
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
      if !batch.isReplay, batch.spanCount > 0, !take(batch) { missed.add(batch.spanCount) }
      return
    }
    guard record.isFollowed else { return }
    if batch.isReplay, feed.isApplied(record.sequence) {
      record.markFollowed()
    } else if batch.spanCount == 0 {
      record.markFollowed()
    } else if !backlog.isEmpty || !take(batch) {
      backlog.append(record)
    }
  }

  private func take(_ batch: SpanBatch) -> Bool {
    guard feed.hasRoom else { return false }
    var scratch = scratches.withLock { $0.popLast() } ?? factory.make()
    let isTaken = feed.take(batch, with: &scratch)
    scratches.withLock { $0.append(scratch) }
    return isTaken
  }
}

/// What a tap counts.
package struct LedgerTapMetrics: Sendable {
  let missedSpans: Counter
  let givenUpRequests: Counter

  package init(registry: MetricRegistry, pipeline: String) {
    let labels = [("pipeline", pipeline)]
    missedSpans = registry.counter(
      "heirloom_ledger_missed_spans", help: "Spans that the ledger never saw: it had no room, and there is no spool.",
      labels: labels)
    givenUpRequests = registry.counter(
      "heirloom_ledger_given_up_requests",
      help: "Requests that the ledger never saw: it was behind, and the spool was full or could not be read.",
      labels: labels)
  }
}

/// What it takes to find out the facts of a request's spans, one request after the other.
struct FactsScratch {
  /// What scratches are made with.
  struct Factory: Sendable {
    private let plan: FactsPlan
    private let privacy: PrivacyPolicy
    private let rules: SpanRules

    init(_ endUser: EndUserConfiguration, _ policy: PrivacyPolicy, rules: SpanRules) {
      plan = FactsPlan(endUser, rules: rules)
      self.rules = rules
      var privacy = policy
      privacy.userKeys += endUser.idKeys
      privacy.metadataKeys += endUser.metadataKeys
      self.privacy = privacy
    }

    func make() -> FactsScratch {
      FactsScratch(plan, privacy.isEmpty ? nil : PrivateRequests(privacy, rules: rules))
    }
  }

  fileprivate var extractor: FactsExtractor
  /// Nil where the ledger may know everything.
  fileprivate var requests: PrivateRequests?
  fileprivate var chunk = FactsChunk()
  /// Bytes of memory that a request's facts leave to the next one's at most.
  fileprivate static let mostKept = 1 << 20

  private init(_ plan: FactsPlan, _ requests: PrivateRequests?) {
    extractor = FactsExtractor(plan: plan)
    self.requests = requests
  }
}

extension LedgerFeed {
  /// Takes a request that is in no spool, or that its record follows.
  ///
  /// - Returns: false when there is no room; nothing was taken then.
  func take(_ batch: SpanBatch, with scratch: inout FactsScratch) -> Bool {
    guard var requests = scratch.requests else { return take(facts: batch, with: &scratch) }
    defer { scratch.requests = requests }
    // What can't be rewritten must not be in the ledger. It cannot be: an index has accepted it.
    return (try? requests.lend(batch) { take(facts: $0, with: &scratch) })
      ?? take(FactsChunk(), sequence: batch.record?.sequence) { [record = batch.record] in record?.markFollowed() }
  }

  private func take(facts batch: SpanBatch, with scratch: inout FactsScratch) -> Bool {
    var chunk = FactsChunk()
    swap(&chunk, &scratch.chunk)
    for position in 0..<batch.spanCount {
      scratch.extractor.extract(batch, at: position) { chunk.append($0, body: body(of: batch, at: position)) }
    }
    let isTaken = take(chunk, sequence: batch.record?.sequence) { [record = batch.record] in record?.markFollowed() }
    if chunk.byteCount <= FactsScratch.mostKept {
      chunk.removeAll()
      swap(&chunk, &scratch.chunk)
    }
    return isTaken
  }

  /// The span as it came where it is wanted whole, else nothing.
  private func body(of batch: SpanBatch, at position: Int) -> UnsafeRawBufferPointer {
    let span = batch.index.spans[position]
    let isWanted = Int(span.length) <= mostBodyBytes
    return UnsafeRawBufferPointer(
      start: isWanted ? batch.payload(of: span) : nil, count: isWanted ? Int(span.length) : 0)
  }
}
