import Locks
package import OTLP
package import SelfTelemetry
package import Spool

/// Hands what an earlier run left in a pipeline's spool to the pipeline again.
package struct SpoolReplay {
  /// What was handed on.
  package struct Result: Sendable, Equatable {
    package var requests = 0
    /// Those that were not done.
    package var spans = 0
    /// Whether nothing is left.
    package var isComplete = true

    package init(requests: Int = 0, spans: Int = 0, isComplete: Bool = true) {
      self.requests = requests
      self.spans = spans
      self.isComplete = isComplete
    }
  }

  private let spool: Spool
  private let isFollowed: Bool
  private let consumer: any TracesConsumer
  private let signal: Signal
  private let rules: SpanRules
  private let interner: ScopeInterner
  private let log: Log
  private let pause = Lock()
  /// How often a pipeline without room is asked again.
  private static let retryInterval: UInt64 = 10_000_000

  /// - Parameters:
  ///   - spool: the pipeline's.
  ///   - consumer: the pipeline behind the spool.
  ///   - signal: the pipeline's.
  ///   - rules: what receivers index by.
  ///   - interner: the receivers'.
  ///   - log: the collector's.
  ///   - isFollowed: whether the consumer says when somebody beside the pipeline has a request. If nobody does any more,
  ///     nothing is kept for who once did.
  package init(
    spool: Spool, consumer: any TracesConsumer, signal: Signal = .traces, rules: SpanRules, interner: ScopeInterner,
    log: Log,
    isFollowed: Bool = false
  ) {
    self.isFollowed = isFollowed
    self.spool = spool
    self.consumer = consumer
    self.signal = signal
    self.rules = rules
    self.interner = interner
    self.log = log
  }

  /// Replays everything, oldest first; waits while the pipeline has no room. What is left when `shouldStop` says so stays
  /// in the spool for the next start.
  package func run(until shouldStop: @Sendable () -> Bool) -> Result {
    var result = Result()
    let index = SpanIndex()
    spool.replay { replayed in
      if !isFollowed { replayed.record.markFollowed() }
      let remaining = replayed.record.remainingCount - (replayed.record.isFollowed ? 1 : 0)
      guard hand(replayed, index, shouldStop) else {
        result.isComplete = false
        return false
      }
      result.requests += 1
      result.spans += remaining
      return true
    }
    return result
  }

  /// - Returns: false when it was told to stop before the pipeline had room.
  private func hand(_ replayed: Spool.Replayed, _ index: SpanIndex, _ shouldStop: () -> Bool) -> Bool {
    let record = replayed.record
    do throws(MalformedRequest) {
      try index.fill(from: replayed.payload, signal: signal, rules: rules)
    } catch {
      // It was a request when it was taken: only another version can have thought so.
      log.error(
        "cannot read a request in the spool, left out", ["sequence": String(record.sequence), "error": "\(error)"])
      record.markAllDone()
      return true
    }
    let origin = StoredOrigin.read(from: replayed.payload)
    let plain = SpanBatch(bytes: replayed.payload, index: index, interner: interner, origin: origin) { _ in }
    // A version that leaves out other spans than the one that took the request would name them otherwise.
    let isNamedAlike = index.spanCount == replayed.units?.count ?? record.spanCount
    var anew: SpoolRecord?
    while !shouldStop() {
      if consumer.refusal == nil {
        if isNamedAlike {
          let batch = SpanBatch(
            plain, record: record, units: replayed.units, originalOffsets: replayed.originalOffsets, isReplay: true)
          if consume(batch) { return true }
        } else {
          // Once, however often the pipeline refuses it.
          anew =
            anew ?? (try? spool.append([replayed.payload], unitCount: index.spanCount, isFollowed: record.isFollowed))
          if let anew {
            record.markAllDone()
            if consume(SpanBatch(plain, record: anew, isReplay: true)) { return true }
          }
        }
      }
      pause.withLock { _ = pause.wait(until: MonotonicClock.now() + Self.retryInterval) }
    }
    return false
  }

  /// Returns when the pipeline has read the batch: whether it took it.
  private func consume(_ batch: SpanBatch) -> Bool {
    let lock = Lock()
    let answer = Locked<(isThere: Bool, refusal: Refusal?)>((false, nil))
    consumer.consume(batch) { refusal in
      answer.withLock { $0 = (true, refusal) }
      lock.withLock { lock.wakeAll() }
    }
    lock.withLock {
      while !answer.withLock({ $0.isThere }) { lock.wait() }
    }
    return answer.withLock { $0.refusal == nil }
  }
}
