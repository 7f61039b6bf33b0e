/// The tables of a ledger. Times are nanoseconds since the Unix epoch, costs billionths of a US dollar.
///
/// Totals of users, sessions and days are sums over `traces`: when a trace changes, what it added before is taken off and
/// what it adds now is put on. What nothing refers to any more goes with its last trace: users, sessions, metadata, names.
enum Schema {
  /// What makes a version of the one before it.
  struct Migration: Sendable {
    let sql: String
    /// What takes more than statements.
    var fill: @Sendable (Database) throws(LedgerError) -> Void = { _ in }
  }

  /// A ledger of version n has had the first n.
  static let migrations = [Migration(sql: version1), version2, openSessions, scores, ownTallies, treeBundles]

  /// Says in the file's header whose file it is: "Hrlm".
  static let applicationID: Int64 = 0x4872_6C6D

  /// Sums over traces, with how many of these traces told: nobody's tokens are unknown, not zero.
  private static let totals = """
    observations INTEGER NOT NULL DEFAULT 0, errors INTEGER NOT NULL DEFAULT 0,
    input INTEGER NOT NULL DEFAULT 0, input_known INTEGER NOT NULL DEFAULT 0,
    output INTEGER NOT NULL DEFAULT 0, output_known INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0, total_known INTEGER NOT NULL DEFAULT 0,
    cache_read INTEGER NOT NULL DEFAULT 0, cache_read_known INTEGER NOT NULL DEFAULT 0,
    cache_write INTEGER NOT NULL DEFAULT 0, cache_write_known INTEGER NOT NULL DEFAULT 0,
    reasoning INTEGER NOT NULL DEFAULT 0, reasoning_known INTEGER NOT NULL DEFAULT 0,
    cost INTEGER NOT NULL DEFAULT 0, cost_known INTEGER NOT NULL DEFAULT 0
    """

  /// Of the traces' latencies, in nanoseconds, from the owner's sketch.
  private static let latency = "p50 INTEGER, p95 INTEGER, p99 INTEGER"

  /// Metadata comes from the latest trace that has any: its start and id say which one that is.
  private static let latestMetadata = "metadata INTEGER, metadata_start INTEGER, metadata_trace INTEGER"

  private static let version1 = """
    -- What holds for the whole ledger.
    CREATE TABLE properties (key TEXT PRIMARY KEY, value) WITHOUT ROWID;

    -- Models, workflows and tags.
    CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);

    -- Different end-user metadata: JSON objects, how many traces have them, and their values under paths with dots.
    CREATE TABLE metadata (id INTEGER PRIMARY KEY, traces INTEGER NOT NULL DEFAULT 0, object TEXT NOT NULL UNIQUE);
    CREATE TABLE metadata_values (
      key TEXT NOT NULL, value TEXT NOT NULL, metadata INTEGER NOT NULL,
      PRIMARY KEY (key, value, metadata)) WITHOUT ROWID;

    -- The row with the id 0 and an empty name sums up everything, with and without an end user.
    CREATE TABLE users (
      id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
      traces INTEGER NOT NULL DEFAULT 0, sessions INTEGER NOT NULL DEFAULT 0,
      first_event INTEGER, last_event INTEGER, \(latestMetadata),
      \(totals), \(latency));
    CREATE INDEX users_by_last_event ON users (last_event);
    INSERT INTO users (id, name) VALUES (0, '');

    CREATE TABLE sessions (
      id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
      -- The end user is the one that its latest trace with an end user of its own names.
      user INTEGER, user_start INTEGER, user_trace INTEGER,
      -- Whether its traces name more than one end user.
      disagrees INTEGER NOT NULL DEFAULT 0,
      -- Traces that name none themselves.
      unnamed INTEGER NOT NULL DEFAULT 0,
      traces INTEGER NOT NULL DEFAULT 0,
      first_event INTEGER, last_event INTEGER, last_end INTEGER, \(latestMetadata),
      \(totals), \(latency));
    CREATE INDEX sessions_by_user ON sessions (user, last_event);
    CREATE INDEX sessions_by_last_event ON sessions (last_event);

    -- Of a user's traces (id 2 * user) and of a session's (2 * session + 1): their latencies (see `LatencySketch`), and how many
    -- have which label (see `LabelCounts`). In the owners' own rows since version 5.
    CREATE TABLE tallies (id INTEGER PRIMARY KEY, latencies BLOB NOT NULL, labels BLOB NOT NULL);

    CREATE TABLE traces (
      id INTEGER PRIMARY KEY, trace BLOB NOT NULL UNIQUE,
      -- Whose it is, and whom its own spans name: another may come from its session.
      user INTEGER, own_user INTEGER, session INTEGER, name INTEGER, metadata INTEGER,
      -- Models and tags: a row of label_sets.
      labels INTEGER,
      start INTEGER NOT NULL, latency INTEGER NOT NULL,
      observations INTEGER NOT NULL, errors INTEGER NOT NULL,
      input INTEGER, output INTEGER, total INTEGER, cache_read INTEGER, cache_write INTEGER, reasoning INTEGER,
      cost INTEGER,
      -- Calls without a price, by model: see `UnpricedCalls`.
      unpriced BLOB,
      -- Observations and errors that count above and are not in the tree, because it is full.
      omitted INTEGER NOT NULL DEFAULT 0, omitted_errors INTEGER NOT NULL DEFAULT 0,
      -- When the last span came, by this machine's clock.
      updated INTEGER NOT NULL);
    CREATE INDEX traces_by_start ON traces (start);
    CREATE INDEX traces_by_user ON traces (user, start) WHERE user IS NOT NULL;
    CREATE INDEX traces_by_session ON traces (session, start) WHERE session IS NOT NULL;

    -- What is known of each trace's spans: `SpanRecord`s behind one another. What came first is in `trees`, by the trace's
    -- id, since version 6 several traces' together (see `TreeRow`); what came later in parts behind that, at
    -- trace * 65536 + 1 and on. So both tables grow at their ends.
    CREATE TABLE trees (id INTEGER PRIMARY KEY, records BLOB NOT NULL);
    CREATE TABLE tree_parts (id INTEGER PRIMARY KEY, records BLOB NOT NULL);
    -- Spans that came when their trace's tree was full.
    CREATE TABLE omitted_spans (
      trace INTEGER NOT NULL, span INTEGER NOT NULL, PRIMARY KEY (trace, span)) WITHOUT ROWID;
    -- Whole spans, where they are wanted: `Span` messages.
    CREATE TABLE bodies (
      id INTEGER PRIMARY KEY, trace INTEGER NOT NULL, span INTEGER NOT NULL, body BLOB NOT NULL,
      UNIQUE (trace, span));

    -- Different sets of models and tags of a trace, how many traces have them, and who is in which. kind: 0 model, 1 tag.
    CREATE TABLE label_sets (id INTEGER PRIMARY KEY, traces INTEGER NOT NULL DEFAULT 0, labels BLOB NOT NULL UNIQUE);
    CREATE TABLE labels (
      kind INTEGER NOT NULL, name INTEGER NOT NULL, label_set INTEGER NOT NULL,
      PRIMARY KEY (kind, name, label_set)) WITHOUT ROWID;

    -- Which users (owner_kind 0) and sessions (1) have traces with a model (kind 0), a tag (1), a workflow (2); and how many
    -- of all traces have it.
    CREATE TABLE facets (
      kind INTEGER NOT NULL, name INTEGER NOT NULL, owner_kind INTEGER NOT NULL, owner INTEGER NOT NULL,
      PRIMARY KEY (kind, name, owner_kind, owner)) WITHOUT ROWID;
    CREATE TABLE label_counts (
      kind INTEGER NOT NULL, name INTEGER NOT NULL, traces INTEGER NOT NULL, PRIMARY KEY (kind, name)) WITHOUT ROWID;

    -- A user's days, in UTC, by their number since the Unix epoch; user 0 is everybody.
    CREATE TABLE days (
      user INTEGER NOT NULL, day INTEGER NOT NULL, traces INTEGER NOT NULL DEFAULT 0, \(totals),
      PRIMARY KEY (user, day)) WITHOUT ROWID;

    -- Models (of names) that no price is known for: calls that could not be priced.
    CREATE TABLE unpriced (model INTEGER PRIMARY KEY, calls INTEGER NOT NULL);

    -- Requests of a pipeline's spool that are in the ledger, as runs of sequence numbers.
    CREATE TABLE applied (
      pipeline TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
      PRIMARY KEY (pipeline, first)) WITHOUT ROWID;

    -- Sessions whose end user changed while many of their traces inherit it: how far these have moved to the new one.
    CREATE TABLE moving (session INTEGER PRIMARY KEY, start INTEGER NOT NULL, trace INTEGER NOT NULL);

    -- Whom to forget: salted hashes of end-user ids that are refused (no pseudonym) or replaced.
    CREATE TABLE forgotten (hash BLOB PRIMARY KEY, pseudonym TEXT, time INTEGER NOT NULL) WITHOUT ROWID;
    -- Traces of forgotten users that were refused lately: the rest of their spans is refused as well.
    CREATE TABLE refused (trace BLOB PRIMARY KEY, time INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX refused_by_time ON refused (time);
    """
}
