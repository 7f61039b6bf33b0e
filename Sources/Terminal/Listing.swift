import JSON

/// A list of the API, as a table and as CSV.
struct Listing: Sendable {
  /// A column of the table, and what a row has there.
  struct Field: Sendable {
    let column: Table.Column
    let cell: @Sendable (JSONValue, Screen) -> Table.Cell
  }

  /// Member of the API's answer that has the rows.
  let key: String
  let fields: [Field]
  /// Paths of the members that are CSV's columns.
  let values: [[String]]

  func table(without titles: Set<String> = []) -> (table: Table, fields: [Field]) {
    let fields = fields.filter { !titles.contains($0.column.title) }
    return (Table(columns: fields.map(\.column)), fields)
  }

  /// The table of some rows; empty without any.
  func text(_ rows: [JSONValue], without titles: Set<String> = [], on screen: Screen) -> String {
    guard !rows.isEmpty else { return "" }
    let (table, fields) = table(without: titles)
    return table.text(rows.map { row in fields.map { $0.cell(row, screen) } }, on: screen)
  }

  var csvHeader: String { CSV.line(values.map { $0.joined(separator: "_") }) }

  func csvLine(_ row: JSONValue) -> String { CSV.line(values.map { CSV.text(row.at($0)) }) }

  private static let totals = [
    ["observations"], ["errors"], ["tokens", "input"], ["tokens", "output"], ["tokens", "total"],
    ["tokens", "cache_read"], ["tokens", "cache_write"], ["tokens", "reasoning"], ["cost_usd"],
  ]
  private static let latency = [["latency_ms", "p50"], ["latency_ms", "p95"], ["latency_ms", "p99"]]

  static let users = Listing(
    key: "users",
    fields: [
      .id("USER", "end_user_id", minimum: 12), .count("TRACES", "traces", rank: 3),
      .count("SESSIONS", "sessions", rank: 5), .count("TOKENS", "tokens", "total", rank: 1), .cost, .errors(rank: 4),
      .duration("P95", "latency_ms", "p95", rank: 6), .time("LAST EVENT", "last_event", rank: 2),
      .list("MODELS", "models", rank: 7),
    ],
    values: [["end_user_id"], ["first_event"], ["last_event"], ["traces"], ["sessions"]] + totals + latency
      + [["metadata"], ["models"], ["tags"], ["workflows"], ["scores"]])

  static let sessions = Listing(
    key: "sessions",
    fields: [
      .id("SESSION", "session_id", minimum: 12), .owner, .count("TRACES", "traces", rank: 4),
      .count("TOKENS", "tokens", "total", rank: 1), .cost, .errors(rank: 5),
      .duration("LENGTH", "duration_ms", rank: 6), .time("LAST EVENT", "last_event", rank: 2),
      .list("WORKFLOWS", "workflows", rank: 7),
    ],
    values: [
      ["session_id"], ["end_user_id"], ["conflicting_end_users"], ["first_event"], ["last_event"], ["duration_ms"],
      ["traces"],
    ] + totals + latency + [["metadata"], ["models"], ["tags"], ["workflows"], ["scores"]])

  static let traces = Listing(
    key: "traces",
    fields: [
      .id("TRACE", "trace_id", minimum: nil), .id("NAME", "name", minimum: 12, rank: 3),
      .id("USER", "end_user_id", minimum: 10, rank: 6), .id("SESSION", "session_id", minimum: 10, rank: 8),
      .count("SPANS", "observations", rank: 9), .count("TOKENS", "tokens", "total", rank: 5), .cost, .errors(rank: 7),
      .duration("TOOK", "latency_ms", rank: 2), .time("WHEN", "timestamp", rank: 4),
    ],
    values: [
      ["trace_id"], ["session_id"], ["end_user_id"], ["name"], ["timestamp"], ["latency_ms"],
    ] + totals + [["metadata"], ["models"], ["tags"], ["scores"]])

  /// The traces of a session.
  static let turns = Listing(key: "turns", fields: traces.fields, values: traces.values)

  static let scores = Listing(
    key: "scores",
    fields: [
      .id("NAME", "name", minimum: 10), .verdict, .id("USER", "end_user_id", minimum: 10, rank: 1),
      .id("SESSION", "session_id", minimum: 10, rank: 5), .id("TRACE", "trace_id", minimum: 8, rank: 3),
      .id("SPAN", "span_id", minimum: 8, rank: 7), .id("SOURCE", "source", minimum: nil, rank: 6),
      .id("COMMENT", "comment", minimum: 12, rank: 4), .time("WHEN", "timestamp", rank: 2),
    ],
    values: [
      ["score_id"], ["name"], ["value"], ["label"], ["data_type"], ["source"], ["timestamp"], ["trace_id"], ["span_id"],
      ["session_id"], ["end_user_id"], ["comment"], ["environment"], ["metadata"],
    ])

  static let days = Listing(
    key: "days",
    fields: [
      .id("DAY", "date", minimum: nil), .count("TRACES", "traces"), .count("TOKENS", "tokens", "total", rank: 1), .cost,
      .errors(rank: 2),
    ],
    values: [["date"], ["traces"]] + totals)
}

extension Listing.Field {
  /// A name that somebody chose.
  static func id(_ title: String, _ path: String..., minimum: Int?, rank: Int = 0) -> Self {
    Self(column: Table.Column(title: title, minimum: minimum, rank: rank)) { row, _ in
      Table.Cell(row.at(path)?.string ?? Readable.unknown)
    }
  }

  static func count(_ title: String, _ path: String..., rank: Int = 0) -> Self {
    Self(column: Table.Column(title: title, alignment: .right, rank: rank)) { row, _ in
      Table.Cell(Readable.count(row.at(path)?.int))
    }
  }

  static func duration(_ title: String, _ path: String..., rank: Int = 0) -> Self {
    Self(column: Table.Column(title: title, alignment: .right, rank: rank)) { row, _ in
      Table.Cell(Readable.duration(row.at(path)?.double))
    }
  }

  static func time(_ title: String, _ path: String..., rank: Int = 0) -> Self {
    Self(column: Table.Column(title: title, alignment: .right, rank: rank)) { row, screen in
      Table.Cell(screen.time(row.at(path)?.string))
    }
  }

  static func list(_ title: String, _ path: String..., rank: Int = 0) -> Self {
    Self(column: Table.Column(title: title, minimum: 10, rank: rank)) { row, _ in
      Table.Cell((row.at(path)?.elements.compactMap(\.string) ?? []).joined(separator: ", "), .dim)
    }
  }

  static let cost = Self(column: Table.Column(title: "COST", alignment: .right)) { row, _ in
    Table.Cell(Readable.dollars(row.number("cost_usd")))
  }

  static func errors(rank: Int) -> Self {
    Self(column: Table.Column(title: "ERRORS", alignment: .right, rank: rank)) { row, _ in
      let errors = row.count("errors")
      return Table.Cell(Readable.count(errors), (errors ?? 0) > 0 ? .red : .plain)
    }
  }

  /// What a score says: its value, its label, or both.
  static let verdict = Self(column: Table.Column(title: "SCORE", minimum: 8)) { row, _ in
    let pieces = [row.number("value").map(Readable.score), row.text("label")].compactMap(\.self)
    return Table.Cell(pieces.isEmpty ? Readable.unknown : pieces.joined(separator: " "))
  }

  /// The end user of a session; with a mark where its roots named several.
  static let owner = Self(column: Table.Column(title: "USER", minimum: 8, rank: 3)) { row, _ in
    let isDisputed = row.at("conflicting_end_users")?.bool == true
    return Table.Cell(
      (row.text("end_user_id") ?? Readable.unknown) + (isDisputed ? " *" : ""), isDisputed ? .yellow : .plain)
  }
}
