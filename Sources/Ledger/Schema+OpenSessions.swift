extension Schema {
  /// Remembers of which sessions others are yet to be told, and since when the ledger counts.
  static let openSessions = Migration(
    sql: """
      -- Sessions that got a span since others were told of their end: when that was, by this machine's clock, and whether others
      -- know of it. Empty unless somebody is to be told (see `OpenSessions`).
      CREATE TABLE open_sessions (session INTEGER PRIMARY KEY, changed INTEGER NOT NULL, is_told INTEGER NOT NULL);
      CREATE INDEX open_sessions_by_change ON open_sessions (changed);
      CREATE INDEX untold_sessions ON open_sessions (session) WHERE is_told = 0;
      """
  ) { (database) throws(LedgerError) in
    // In an older ledger, its first trace.
    try database.run(
      """
      INSERT OR IGNORE INTO properties (key, value)
      VALUES ('counted_since', (SELECT min(?1, coalesce(first_event, ?1)) FROM users WHERE id = 0))
      """, [.int(LedgerWriter.wallClock())])
  }
}
