extension Schema {
  /// Keeps what is counted of an owner's traces in the owner's row: two rows to write for each whose traces changed are one.
  static let ownTallies = Migration(
    sql: """
      -- The latencies of its traces (see `LatencySketch`), and how many of them have which label (see `LabelCounts`). Behind
      -- everything else, so that who reads a list passes them by.
      ALTER TABLE users ADD COLUMN latencies BLOB;
      ALTER TABLE users ADD COLUMN labels BLOB;
      ALTER TABLE sessions ADD COLUMN latencies BLOB;
      ALTER TABLE sessions ADD COLUMN labels BLOB;
      UPDATE users SET (latencies, labels) = (SELECT t.latencies, t.labels FROM tallies t WHERE t.id = users.id * 2);
      UPDATE sessions SET (latencies, labels) =
        (SELECT t.latencies, t.labels FROM tallies t WHERE t.id = sessions.id * 2 + 1);
      DROP TABLE tallies;
      """)
}
