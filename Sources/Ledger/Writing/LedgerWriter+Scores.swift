import Facts
import OTLP

/// What becomes of scores.
extension LedgerWriter {
  /// Adds the scores of a transaction, whose spans are added.
  func addScores(of groups: TraceGroups) throws(LedgerError) {
    try groups.forEachScore { (score) throws(LedgerError) in
      if let trace = score.trace, forgotten.isRefused(trace) {
        tally.refusedScores += 1
      } else {
        accounts.scores.add(score, received: now())
        tally.scores += 1
      }
    }
  }
}
