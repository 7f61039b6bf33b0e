import EndUser
import Facts
import Locks
import OTLP
import Privacy
import Spool

/// What of a request the ledger wants: the facts and the scores of spans, and of log records the scores.
struct RequestFacts: Sendable {
  fileprivate let plan: FactsPlan
  fileprivate let logs: LogScores
  /// What must not be in the ledger.
  private let privacy: PrivacyPolicy
  private let rules: SpanRules

  /// - Parameters:
  ///   - endUser: of the pipeline's `enduser` processor.
  ///   - policy: of the ledger.
  ///   - rules: what receivers index by.
  init(_ endUser: EndUserConfiguration, _ policy: PrivacyPolicy, rules: SpanRules) {
    var privacy = policy
    privacy.userKeys += endUser.idKeys
    privacy.metadataKeys += endUser.metadataKeys
    self.privacy = privacy
    self.rules = rules
    plan = FactsPlan(endUser, rules: rules, readsScores: true)
    logs = LogScores(rules: rules)
  }

  /// What shows a thread's requests to the ledger; nil where it may know everything.
  fileprivate var requests: PrivateRequests? {
    privacy.isEmpty ? nil : PrivateRequests(privacy, rules: rules)
  }

  /// Whether there is anything in a request that the ledger wants, as far as its index tells.
  func hasAny(_ batch: SpanBatch) -> Bool {
    guard batch.signal == .logs else { return batch.spanCount > 0 }
    return (0..<batch.spanCount).contains { logs.isCandidate(batch, at: $0) }
  }
}

/// What it takes to find out the facts of requests, one after the other.
struct FactsScratch {
  private let facts: RequestFacts
  fileprivate var requests: PrivateRequests?
  private var extractor: FactsExtractor
  private var chunk = FactsChunk()
  /// Bytes of memory that a request's facts leave to the next one's at most.
  private static let mostKept = 1 << 20

  init(_ facts: RequestFacts) {
    self.facts = facts
    requests = facts.requests
    extractor = FactsExtractor(plan: facts.plan)
  }

  /// Lends the facts of a request.
  fileprivate mutating func read<Result>(
    _ batch: SpanBatch, mostBodyBytes: Int, _ body: (FactsChunk) -> Result
  ) -> Result {
    var chunk = FactsChunk()
    swap(&chunk, &self.chunk)
    defer {
      if chunk.memoryBytes <= Self.mostKept {
        chunk.removeAll()
        swap(&chunk, &self.chunk)
      }
    }
    if batch.signal == .logs {
      for position in 0..<batch.spanCount {
        if let score = facts.logs.score(batch, at: position, now: WallClock.now()) { chunk.append(score) }
      }
    } else {
      extractor.acceptance = batch.acceptance
      chunk.reserve(spans: batch.spanCount)
      for position in 0..<batch.spanCount {
        extractor.extract(batch, at: position) {
          chunk.append($0, body: Self.body(of: batch, at: position, most: mostBodyBytes))
        }
        if !extractor.scores.isEmpty { for score in extractor.scores { chunk.append(score) } }
      }
    }
    return body(chunk)
  }

  /// The span as it came where it is wanted whole, else nothing.
  private static func body(of batch: SpanBatch, at position: Int, most: Int) -> UnsafeRawBufferPointer {
    let span = batch.index.spans[position]
    let isWanted = Int(span.length) <= most
    return UnsafeRawBufferPointer(
      start: isWanted ? batch.payload(of: span) : nil, count: isWanted ? Int(span.length) : 0)
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
    scratch.read(batch, mostBodyBytes: mostBodyBytes) { [record = batch.record] chunk in
      take(chunk, sequence: record?.sequence) { record?.markFollowed() }
    }
  }
}
