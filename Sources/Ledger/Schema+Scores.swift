extension Schema {
  /// Scores: what somebody thinks of a trace, a span or a session.
  static let scores = Migration(
    sql: """
      -- Names of scores, and their labels; how many scores have each as either.
      CREATE TABLE score_names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, uses INTEGER NOT NULL DEFAULT 0);

      CREATE TABLE scores (
        -- The sender's id, or one that was made for it.
        id INTEGER PRIMARY KEY, score TEXT NOT NULL UNIQUE,
        -- The name and the label are rows of score_names.
        name INTEGER NOT NULL, number REAL, label INTEGER, data_type INTEGER NOT NULL, source INTEGER NOT NULL,
        time INTEGER NOT NULL,
        -- What it says that it is about.
        about_trace BLOB, span INTEGER, about_session TEXT,
        -- What that is here, and whose: rows of these tables; none while it waits for them.
        trace INTEGER, session INTEGER, user INTEGER,
        comment TEXT, environment TEXT, metadata TEXT,
        -- When it came, by this machine's clock.
        received INTEGER NOT NULL);
      CREATE INDEX scores_by_time ON scores (time);
      CREATE INDEX scores_by_name ON scores (name, time);
      CREATE INDEX scores_by_user ON scores (user, time) WHERE user IS NOT NULL;
      CREATE INDEX scores_by_session ON scores (session, time) WHERE session IS NOT NULL;
      CREATE INDEX scores_by_trace ON scores (trace, time) WHERE trace IS NOT NULL;
      CREATE INDEX scores_about_sessions ON scores (about_session) WHERE about_session IS NOT NULL;
      CREATE INDEX scores_without_trace ON scores (about_trace) WHERE about_trace IS NOT NULL AND trace IS NULL;
      CREATE INDEX scores_without_owner ON scores (received) WHERE trace IS NULL AND session IS NULL;

      -- Of a user (owner_kind 0), a session (1) or a trace (2), for each name: scores, how many have a number, the sum of these
      -- in billionths (see `ScoreSum`), their mean, and which score is the latest.
      CREATE TABLE score_sums (
        owner_kind INTEGER NOT NULL, owner INTEGER NOT NULL, name INTEGER NOT NULL,
        scores INTEGER NOT NULL, numbers INTEGER NOT NULL, sum BLOB NOT NULL, mean REAL,
        latest INTEGER NOT NULL, latest_time INTEGER NOT NULL,
        PRIMARY KEY (owner_kind, owner, name)) WITHOUT ROWID;
      CREATE INDEX score_sums_by_mean ON score_sums (owner_kind, name, mean);
      -- And how many of its scores have a label.
      CREATE TABLE score_labels (
        owner_kind INTEGER NOT NULL, name INTEGER NOT NULL, label INTEGER NOT NULL, owner INTEGER NOT NULL,
        scores INTEGER NOT NULL, PRIMARY KEY (owner_kind, name, label, owner)) WITHOUT ROWID;
      """)
}
