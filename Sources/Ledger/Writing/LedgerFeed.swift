import SelfTelemetry

/// What a pipeline hands its spans' facts to.
package final class LedgerFeed: Sendable {
  private let pipeline: String
  private let queue: LedgerQueue
  private let requests: AppliedRequests
  private let metrics: LedgerMetrics
  /// Bytes of a span that is wanted whole at most; 0 where none is.
  let mostBodyBytes: Int

  init(
    pipeline: String, mostBodyBytes: Int, queue: LedgerQueue, requests: AppliedRequests, metrics: LedgerMetrics
  ) {
    self.pipeline = pipeline
    self.mostBodyBytes = mostBodyBytes
    self.queue = queue
    self.requests = requests
    self.metrics = metrics
  }

  /// Whether it is worth finding out a request's facts.
  var hasRoom: Bool { queue.hasRoom }

  /// Takes the facts of one accepted request.
  ///
  /// - Parameters:
  ///   - facts: of the request's spans.
  ///   - sequence: of the request in the spool; nil without one.
  ///   - applied: called once when they are in the ledger and committed, on any thread: at once for a request that is in
  ///     it already.
  /// - Returns: false when the ledger has no room now, or stops: nothing was taken, and `applied` is never called.
  package func take(_ facts: FactsChunk, sequence: UInt64?, applied: @escaping @Sendable () -> Void) -> Bool {
    if facts.isEmpty || sequence.map(isApplied) == true {
      applied()
      return true
    }
    let isTaken = queue.put(
      LedgerQueue.Item(
        arrival: Arrival(facts: facts, pipeline: pipeline, sequence: sequence), applied: applied))
    if !isTaken { metrics.noRoom.add() }
    return isTaken
  }

  /// Whether the request with that number in the pipeline's spool is in the ledger, committed.
  package func isApplied(_ sequence: UInt64) -> Bool {
    requests.contains(sequence, of: pipeline)
  }
}
