package import Facts
package import Pipeline
import Synchronization

/// Scores that come by themselves go the way of a request's facts.
extension LedgerFeed: ScoresConsumer {
  package var refusal: Refusal? { hasRoom ? nil : ScorePromise.refusal }

  package func take(_ scores: [Score], completion: @escaping @Sendable (Refusal?) -> Void) {
    var chunk = FactsChunk()
    for score in scores { chunk.append(score) }
    let promise = ScorePromise(completion)
    if !take(chunk, sequence: nil, safe: { promise.keep() }) { promise.end(ScorePromise.refusal) }
  }
}

/// Tells the sender of scores once what became of them: also where the ledger stops with scores that it has not written, and
/// lets them go.
private final class ScorePromise: Sendable {
  static let refusal = Refusal(message: "the ledger has no room for scores at the moment", retryAfter: 1)

  private let completion: @Sendable (Refusal?) -> Void
  private let isOver = Atomic<Bool>(false)

  init(_ completion: @escaping @Sendable (Refusal?) -> Void) {
    self.completion = completion
  }

  deinit { end(Self.refusal) }

  /// They are safe.
  func keep() { end(nil) }

  func end(_ refusal: Refusal?) {
    if !isOver.exchange(true, ordering: .acquiringAndReleasing) { completion(refusal) }
  }
}
