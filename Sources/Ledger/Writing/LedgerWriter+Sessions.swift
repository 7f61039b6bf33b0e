/// Whom sessions belong to, and with them the traces that name nobody.
extension LedgerWriter {
  /// Looks up what sessions are unsure of, and moves their traces to the end user whom they have now. Rows of traces are
  /// written.
  func settleSessions() throws(LedgerError) {
    for session in accounts.sessions.touched {
      let (hadDisagreed, hasWavered) = (session.disagrees, session.hasWavered)
      session.hasWavered = false
      if session.totals.traces == 0 {
        if isMoving { try stopMoving(session) }
        continue
      }
      try settle(session)
      if session.disagrees && !hadDisagreed { tally.conflictingSessions += 1 }
      guard configuration.inheritsSessionUser, session.unnamed > 0 else { continue }
      if hasWavered || session.user != session.storedUser {
        try move(session, from: Moment(start: .min, trace: .min), budget: mostMoved)
      }
    }
  }

  private func settle(_ session: SessionAccount) throws(LedgerError) {
    let id = SQLValue.int(session.id)
    if session.unsure.contains(.user) {
      session.user = nil
      session.userMoment = nil
      try database.forEach(
        """
        SELECT own_user, start, id FROM traces WHERE session = ?1 AND own_user IS NOT NULL
        ORDER BY start DESC, id DESC LIMIT 1
        """, [id]
      ) { row in
        session.user = row.int(0)
        session.userMoment = Moment(start: row.int(1), trace: row.int(2))
      }
    }
    if session.unsure.contains(.agreement) {
      session.disagrees =
        try database.int(
          "SELECT EXISTS (SELECT 1 FROM traces WHERE session = ?1 AND own_user <> ?2)", [id, SQLValue(session.user)])
        == 1
    }
    if session.unsure.contains(.lastEnd) {
      session.lastEnd = try database.int("SELECT max(start + latency) FROM traces WHERE session = ?1", [id])
    }
    session.unsure.subtract([.user, .agreement, .lastEnd])
  }

  // MARK: Moving

  /// Goes on with sessions that had more traces to move than a transaction takes.
  func moveOn() throws(LedgerError) {
    var budget = mostMoved
    var begun: [(session: Int64, moment: Moment)] = []
    try database.forEach("SELECT session, start, trace FROM moving ORDER BY session LIMIT 100") { row in
      begun.append((row.int(0), Moment(start: row.int(1), trace: row.int(2))))
    }
    for (session, moment) in begun where budget > 0 {
      budget -= try move(try accounts.sessions.account(session), from: moment, budget: budget)
    }
    isMoving = try database.int("SELECT EXISTS (SELECT 1 FROM moving)") == 1
  }

  /// Gives a session's traces behind a moment that name nobody to its end user.
  ///
  /// - Returns: how many were looked at; as many as `budget` when there are more.
  @discardableResult
  private func move(_ session: SessionAccount, from moment: Moment, budget: Int) throws(LedgerError) -> Int {
    var inheriting: [TraceRow] = []
    try database.forEach(
      """
      SELECT \(TraceRow.columns) FROM traces
      WHERE session = ?1 AND own_user IS NULL AND (start > ?2 OR (start = ?2 AND id > ?3)) ORDER BY start, id LIMIT ?4
      """, [.int(session.id), .int(moment.start), .int(moment.trace), .int(Int64(budget))]
    ) { inheriting.append(TraceRow($0)) }
    for row in inheriting where row.user != session.user {
      var moved = row
      moved.user = session.user
      try traces.write(user: session.user, of: row.id)
      try accounts.change(from: row, to: moved)
      _ = hot.take(row.trace)
    }
    if inheriting.count == budget, let last = inheriting.last {
      try database.run(
        "INSERT OR REPLACE INTO moving (session, start, trace) VALUES (?1, ?2, ?3)",
        [.int(session.id), .int(last.start), .int(last.id)])
      isMoving = true
    } else if isMoving {
      try stopMoving(session)
    }
    return inheriting.count
  }

  private func stopMoving(_ session: SessionAccount) throws(LedgerError) {
    try database.run("DELETE FROM moving WHERE session = ?1", [.int(session.id)])
  }
}
