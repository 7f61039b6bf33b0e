import Locks
import Privacy
import SelfTelemetry

/// What a pipeline hands its spans' facts to.
package final class LedgerFeed: Sendable {
  private let pipeline: String
  private let queue: LedgerQueue
  private let requests: AppliedRequests
  private let metrics: LedgerMetrics
  /// Bytes of a span that is wanted whole at most; 0 where none is.
  let mostBodyBytes: Int
  /// What must not be in the ledger.
  let privacy: PrivacyPolicy
  private let log: FactsLog?
  /// Without a log: requests whose facts are in memory.
  private let held = HeldRequests()
  /// Requests whose facts an earlier run left in the log.
  private let replayed = Locked(SequenceRuns())

  init(
    pipeline: String, mostBodyBytes: Int, privacy: PrivacyPolicy, log: FactsLog?, queue: LedgerQueue,
    requests: AppliedRequests, metrics: LedgerMetrics
  ) {
    self.pipeline = pipeline
    self.privacy = privacy
    self.mostBodyBytes = mostBodyBytes
    self.log = log
    self.queue = queue
    self.requests = requests
    self.metrics = metrics
  }

  /// Takes what an earlier run left in the log. Before anything else is taken.
  package func start() {
    log?.replay { record, arrival in
      if let sequence = arrival.sequence {
        if requests.contains(sequence, of: arrival.pipeline) {
          log?.finish(record, byteCount: arrival.facts.byteCount)
          return
        }
        if arrival.pipeline == pipeline { replayed.withLock { $0.insert(sequence) } }
      }
      if let log { _ = queue.put(LedgerQueue.Item(record, in: log, byteCount: arrival.facts.byteCount)) }
    }
  }

  /// Whether it is worth finding out a request's facts.
  var hasRoom: Bool { log.map(\.hasRoom) ?? queue.hasRoom }

  /// Takes the facts of one accepted request.
  ///
  /// - Parameters:
  ///   - facts: of the request's spans.
  ///   - sequence: of the request in the spool; nil without one.
  ///   - safe: called once when nobody else need keep them, on any thread: when they are in the ledger, committed, or in its
  ///     log; at once for a request that is in either already.
  /// - Returns: false when the ledger has no room now, or stops: nothing was taken, and `safe` is never called.
  package func take(_ facts: FactsChunk, sequence: UInt64?, safe: @escaping @Sendable () -> Void) -> Bool {
    if facts.isEmpty || sequence.map(isApplied) == true {
      safe()
      return true
    }
    let arrival = Arrival(facts: facts, pipeline: pipeline, sequence: sequence)
    let isTaken =
      if let log { write(arrival, to: log, safe: safe) } else if sequence != nil { hold(arrival, safe: safe) } else {
        put(arrival, applied: safe)
      }
    if !isTaken { metrics.noRoom.add() }
    return isTaken
  }

  private func write(_ arrival: Arrival, to log: FactsLog, safe: () -> Void) -> Bool {
    guard let record = log.append(arrival) else { return false }
    // A ledger that stops finds it at its next start.
    let byteCount = arrival.facts.byteCount
    var copy: Arrival?
    if queue.takesCopy(of: byteCount) {
      copy = arrival
      // Handed over where that wastes little.
      if arrival.facts.memoryBytes > 2 * byteCount { copy?.facts = arrival.facts.compact }
    }
    _ = queue.put(LedgerQueue.Item(record, in: log, byteCount: byteCount, copy: copy))
    safe()
    return true
  }

  private func hold(_ arrival: Arrival, safe: @escaping @Sendable () -> Void) -> Bool {
    let number = held.add(safe)
    let isTaken = put(arrival) { [held] in held.release(number) }
    if !isTaken { held.forget(number) }
    return isTaken
  }

  private func put(_ arrival: Arrival, applied: @escaping @Sendable () -> Void) -> Bool {
    var arrival = arrival
    arrival.facts = arrival.facts.compact
    return queue.put(LedgerQueue.Item(arrival, applied: applied))
  }

  /// Whether requests stay in their spool until their facts are in the ledger.
  var holdsRequests: Bool { log == nil }

  /// Lets requests go whose facts are in memory: these are taken all the same, but for a crash.
  ///
  /// - Returns: how many.
  func letGo() -> Int { held.releaseAll() }

  /// Whether the request with that number in the pipeline's spool is in the ledger, committed, or in its log.
  package func isApplied(_ sequence: UInt64) -> Bool {
    requests.contains(sequence, of: pipeline) || replayed.withLock { $0.contains(sequence) }
  }
}
