/// What a list is made of: its order, what `since` and `until` mean in it, and its rows.
struct ListShape: Sendable {
  let view: LedgerView
  /// How filters call the table whose rows are listed.
  let alias: String
  let table: String
  /// The table of its rows' blocks.
  let blocks: String
  /// What `RowReader` reads of each row.
  let columns: String
  /// What the columns need beside the table.
  let joins: String
  /// Which rows of the table belong to the list.
  let condition: String
  let since: String
  let until: String
  /// The default order first.
  let sortKeys: [SortKey]

  /// A sum with how many traces told it.
  private static let told = ["input", "output", "total", "cache_read", "cache_write", "reasoning", "cost"]

  /// The columns of `Amounts` where they are sums.
  static func amounts(_ alias: String) -> String {
    (["\(alias).observations", "\(alias).errors"] + told.map { "iif(\(alias).\($0)_known > 0, \(alias).\($0), NULL)" })
      .joined(separator: ", ")
  }

  /// The columns of `Summary`.
  private static func summary(_ alias: String) -> String {
    """
    \(alias).first_event, \(alias).last_event, \(alias).traces, \(amounts(alias)), \(alias).p50, \(alias).p95, \
    \(alias).p99, m.object
    """
  }

  private static func summaryKeys(_ alias: String) -> [SortKey] {
    [
      .number("last_event", "\(alias).last_event"), .number("first_event", "\(alias).first_event"),
      .number("traces", "\(alias).traces"), .number("observations", "\(alias).observations"),
      .number("errors", "\(alias).errors"),
      .number("tokens", "iif(\(alias).total_known > 0, \(alias).total, NULL)", nullable: true),
      .number("cost", "iif(\(alias).cost_known > 0, \(alias).cost, NULL)", nullable: true),
      .number("latency", "\(alias).p95", nullable: true),
    ]
  }

  static let users = ListShape(
    view: .users, alias: "u", table: "users u", blocks: "user_blocks", columns: "u.name, u.sessions, \(summary("u"))",
    joins: "LEFT JOIN metadata m ON m.id = u.metadata",
    // The plus keeps SQLite from walking the rows by their ids. Row 0 is everybody.
    condition: "+u.id > 0 AND u.traces > 0", since: "u.last_event >= ?", until: "u.first_event < ?",
    sortKeys: summaryKeys("u") + [.number("sessions", "u.sessions"), .text("id", "u.name"), .text("name", "u.name")])

  static let sessions = ListShape(
    view: .sessions, alias: "s", table: "sessions s", blocks: "session_blocks",
    columns: "s.name, o.name, s.disagrees, s.last_end - s.first_event, \(summary("s"))",
    joins: "LEFT JOIN users o ON o.id = s.user LEFT JOIN metadata m ON m.id = s.metadata",
    condition: "s.traces > 0", since: "s.last_event >= ?", until: "s.first_event < ?",
    sortKeys: summaryKeys("s") + [
      .number("duration", "s.last_end - s.first_event"), .text("id", "s.name"), .text("name", "s.name"),
    ])

  static let traces = ListShape(
    view: .traces, alias: "t", table: "traces t", blocks: "trace_blocks",
    columns: """
      t.trace, c.name, o.name, w.name, t.start, t.latency, t.observations, t.errors, t.input, t.output, t.total, \
      t.cache_read, t.cache_write, t.reasoning, t.cost, m.object, l.labels
      """,
    joins: """
      LEFT JOIN sessions c ON c.id = t.session LEFT JOIN users o ON o.id = t.user \
      LEFT JOIN names w ON w.id = t.name LEFT JOIN metadata m ON m.id = t.metadata \
      LEFT JOIN label_sets l ON l.id = t.labels
      """,
    condition: "", since: "t.start >= ?", until: "t.start < ?",
    sortKeys: [
      .number("timestamp", "t.start"), .number("observations", "t.observations"), .number("errors", "t.errors"),
      .number("tokens", "t.total", nullable: true), .number("cost", "t.cost", nullable: true),
      .number("latency", "t.latency"), .text("name", "(SELECT name FROM names WHERE id = t.name)", nullable: true),
      SortKey(name: "id", expression: "t.trace", kind: .blob, isNullable: false),
    ])
}

extension ListShape {
  static let scores = ListShape(
    view: .scores, alias: "sc", table: "scores sc", blocks: "",
    columns: """
      sc.score, n.name, sc.number, l.name, sc.data_type, sc.source, sc.time, sc.about_trace, sc.span, \
      ifnull(o.name, sc.about_session), u.name, sc.comment, sc.environment, sc.metadata
      """,
    joins: """
      JOIN score_names n ON n.id = sc.name LEFT JOIN score_names l ON l.id = sc.label \
      LEFT JOIN sessions o ON o.id = sc.session LEFT JOIN users u ON u.id = sc.user
      """,
    condition: "", since: "sc.time >= ?", until: "sc.time < ?",
    sortKeys: [
      .number("timestamp", "sc.time"),
      SortKey(name: "value", expression: "sc.number", kind: .real, isNullable: true),
      .text("name", "(SELECT name FROM score_names WHERE id = sc.name)"), .text("id", "sc.score"),
    ])
  /// A part of the list, such as one user's.
  struct Scope {
    let condition: String
    let value: SQLValue

    /// The rows whose column refers to the row of a table that has this name. The name is the parameter, not the row's id:
    /// cursors know it, too.
    init(_ column: String, of table: String, named name: String) {
      condition = "\(column) = (SELECT id FROM \(table) WHERE name = ?)"
      value = .text(name)
    }

    /// Those of the trace with this id, of 16 bytes.
    init(_ column: String, ofTrace trace: [UInt8]) {
      condition = "\(column) = (SELECT id FROM traces WHERE trace = ?)"
      value = .blob(trace)
    }
  }

  /// The statement that reads a row by its id.
  var row: String { "SELECT \(columns) FROM \(table) \(joins) WHERE \(alias).id = ?" }
}
