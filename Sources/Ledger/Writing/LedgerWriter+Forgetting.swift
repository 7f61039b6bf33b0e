import Locks

/// What was erased of an end user.
package struct Erasure: Sendable, Equatable {
  /// Traces, and the spans that they had.
  package var traces = 0
  package var observations = 0
  /// Sessions that had no other traces.
  package var sessions = 0
  /// Of these traces and of the user's sessions.
  package var scores = 0
  /// Under which name later spans of the user are taken in; nil where they are refused.
  package var pseudonym: String?
  /// Whether a reader kept the write-ahead log beside the file from being emptied: then it and the file may still hold some of
  /// what went. A running collector tries again.
  package var remainsInLog = false
}

extension LedgerWriter {
  private static let slice = 1000

  /// Erases an end user: the traces, with their trees and bodies, and whatever only these had. From now on spans that
  /// name the user are refused, or taken in under a pseudonym.
  ///
  /// Many traces take several transactions; if one fails, the same call goes on where it ended.
  func forget(endUser name: String) throws(LedgerError) -> Erasure {
    var erasure = Erasure()
    _ = try transaction { () throws(LedgerError) in erasure.pseudonym = try forgotten.forget(name, time: now()) }
    var isThere = true
    while isThere {
      var step = Erasure()
      let tally = try transaction { () throws(LedgerError) in
        guard let user = try accounts.users.id(named: name) else {
          isThere = false
          return
        }
        try noteResidue()
        step = try removeTraces(of: user)
        isThere = step.traces == Self.slice
      }
      erasure.traces += step.traces
      erasure.observations += step.observations
      erasure.sessions += step.sessions
      erasure.scores += tally.removedScores
    }
    erasure.remainsInLog = try !scrub()
    return erasure
  }

  private func removeTraces(of user: Int64) throws(LedgerError) -> Erasure {
    var step = Erasure()
    var rows: [TraceRow] = []
    try database.forEach(
      "SELECT \(TraceRow.columns) FROM traces WHERE user = ?1 LIMIT ?2", [.int(user), .int(Int64(Self.slice))]
    ) { rows.append(TraceRow($0)) }
    let horizon = now() - Int64(clamping: configuration.dedupWindow.nanoseconds)
    try accounts.scores.removeOfSessions(of: user)
    for row in rows {
      try remove(row)
      // Spans that are still to come do not name the user, as a rule.
      if row.updated > horizon { try refuse(row.trace) }
      step.traces += 1
      step.observations += Int(row.figures.observations)
    }
    step.sessions = accounts.sessions.touched.count { $0.isStored && $0.totals.traces == 0 }
    return step
  }
}
