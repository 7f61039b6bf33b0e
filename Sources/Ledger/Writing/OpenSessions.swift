/// Which sessions others are yet to be told of. On disk, so that it takes no memory however long they are not, and nothing is
/// left out over a restart.
struct OpenSessions {
  /// In the transaction under way.
  private var got: Set<Int64> = []
  private let change: Statement
  private let tell: Statement
  private let close: Statement

  init(_ database: Database) throws(LedgerError) {
    change = try database.prepare(
      """
      INSERT INTO open_sessions (session, changed, is_told) VALUES (?1, ?2, 0)
      ON CONFLICT DO UPDATE SET changed = excluded.changed, is_told = 0
      """)
    // What changed meanwhile is still to be told.
    tell = try database.prepare("UPDATE open_sessions SET is_told = 1 WHERE session = ?1 AND changed = ?2")
    close = try database.prepare("DELETE FROM open_sessions WHERE session = ?1 AND changed = ?2")
  }

  /// A trace got spans. Sessions that only lose traces, as with age, have nothing to tell.
  mutating func changed(from old: TraceRow?, to new: TraceRow) {
    if let session = new.session { got.insert(session) }
    if let session = old?.session { got.insert(session) }
  }

  /// Drops what a transaction that failed has left.
  mutating func forget() { got.removeAll(keepingCapacity: true) }

  /// Writes which sessions the transaction has changed, at a time by the wall clock.
  mutating func note(at time: Int64) throws(LedgerError) {
    for session in got.sorted() {
      change.bind(1, session)
      change.bind(2, time)
      try change.run()
    }
    forget()
  }

  /// Others know of these.
  func settle(_ changes: [SessionChange.Mark]) throws(LedgerError) {
    for mark in changes {
      let statement = mark.isEnd ? close : tell
      statement.bind(1, mark.session)
      statement.bind(2, mark.time)
      try statement.run()
    }
  }
}
