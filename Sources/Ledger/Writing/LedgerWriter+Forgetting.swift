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

  /// Adds what else went.
  static func += (erasure: inout Erasure, other: Erasure) {
    erasure.traces += other.traces
    erasure.observations += other.observations
    erasure.sessions += other.sessions
    erasure.scores += other.scores
  }
}

extension LedgerWriter {
  /// Erases an end user: the traces, with their trees and bodies, and whatever only these had. From now on spans that
  /// name the user are refused, or taken in under a pseudonym.
  ///
  /// Many traces take several transactions; if one fails, the same call goes on where it ended.
  func forget(endUser name: String) throws(LedgerError) -> Erasure {
    var erasure = Erasure()
    _ = try transaction { () throws(LedgerError) in erasure.pseudonym = try forgotten.forget(name, time: now()) }
    // Before that, not all of the user's traces say whose they are.
    while isMoving { _ = try transaction { () throws(LedgerError) in try moveOn() } }
    // Those that name the user last: without them, the others would be nobody's.
    erasure += try removeTraces(of: name, where: "own_user IS NULL")
    erasure += try removeTraces(of: name, where: "own_user IS NOT NULL")
    erasure.remainsInLog = try !scrub()
    return erasure
  }

  /// Removes a user's traces for which an SQL condition holds, in as many transactions as it takes.
  private func removeTraces(of name: String, where condition: String) throws(LedgerError) -> Erasure {
    var erasure = Erasure()
    var place: Moment? = Moment(start: .min, trace: .min)
    while let from = place {
      place = nil
      var step = Erasure()
      let tally = try transaction { () throws(LedgerError) in
        guard let user = try accounts.users.id(named: name) else { return }
        try noteResidue()
        var rows: [TraceRow] = []
        try database.forEach(
          """
          SELECT \(TraceRow.columns) FROM traces
          WHERE user = ?1 AND start >= ?2 AND (start > ?2 OR id > ?3) AND \(condition) ORDER BY start, id LIMIT ?4
          """, [.int(user), .int(from.start), .int(from.trace), .int(Int64(mostErased))]
        ) { rows.append(TraceRow($0)) }
        step = try remove(rows, of: user)
        if rows.count == mostErased { place = rows.last?.moment }
      }
      erasure += step
      erasure.scores += tally.removedScores
    }
    return erasure
  }

  private func remove(_ rows: [TraceRow], of user: Int64) throws(LedgerError) -> Erasure {
    var step = Erasure()
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
