import Facts

@testable import Ledger

extension LedgerFixture {
  private static let sums = Totals.columns.map { "o.\($0)" }.joined(separator: ", ")
  private static let owner = """
    o.name, \(sums), o.first_event, o.last_event, (SELECT object FROM metadata m WHERE m.id = o.metadata), o.metadata_start,
    (SELECT lower(hex(trace)) FROM traces t WHERE t.id = o.metadata_trace), o.p50, o.p95, o.p99
    """
  /// Models and tags of a set, as the model writes them.
  private static func labels(_ set: [UInt8], _ names: [String: String]) -> String {
    LabelSet.labels(in: set).map { "\($0.kind.rawValue)|\(names[String($0.name)] ?? "?")" }.joined(separator: ",")
  }

  /// What the file says, in the form in which `LedgerModel` has it.
  func tables() throws -> [String: [String]] {
    let database = try Database(path: configuration.path, mode: .readOnly)
    func rows(_ sql: String) throws -> [[SQLValue]] {
      var rows: [[SQLValue]] = []
      let statement = try database.prepare(sql)
      while try statement.step() { rows.append((0..<statement.columnCount).map { statement.value($0) }) }
      return rows
    }
    func lines(_ sql: String) throws -> [String] {
      try rows(sql).map { $0.map(Self.text).joined(separator: "|") }
    }
    var names: [String: String] = [:]
    for row in try rows("SELECT id, name FROM names") { names[Self.text(row[0])] = Self.text(row[1]) }
    var sets: [String: String] = [:]
    for row in try rows("SELECT id, labels FROM label_sets") {
      if case .blob(let bytes) = row[1] { sets[Self.text(row[0])] = Self.labels(bytes, names) }
    }

    var tables: [String: [String]] = [:]
    tables["traces"] = try rows(
      """
      SELECT lower(hex(trace)), u.name, own.name, s.name, n.name, m.object, t.labels, start, latency, t.observations,
        t.errors, t.input, t.output, t.total, t.cache_read, t.cache_write, t.reasoning, t.cost, unpriced, omitted,
        omitted_errors, updated
      FROM traces t LEFT JOIN users u ON u.id = t.user LEFT JOIN users own ON own.id = t.own_user
        LEFT JOIN sessions s ON s.id = t.session LEFT JOIN names n ON n.id = t.name
        LEFT JOIN metadata m ON m.id = t.metadata
      """
    ).map { row in
      var columns = row.map(Self.text)
      columns[6] = sets[columns[6]] ?? (columns[6] == "-" ? "" : "?")
      if case .blob(let bytes) = row[18] {
        let calls = UnpricedCalls.calls(in: bytes.withUnsafeBytes { UnpricedCalls.withoutPadding($0) }).map {
          "\(names[String($0.model)] ?? "?")=\($0.calls)"
        }
        columns[18] = calls.sorted().joined(separator: ",")
      } else {
        columns[18] = ""
      }
      return columns.joined(separator: "|")
    }
    tables["trees"] = try rows("SELECT id, lower(hex(trace)) FROM traces").map { row in
      guard case .int(let id) = row[0] else { return "?" }
      return "\(Self.text(row[1]))|\(Self.text(.blob(SpanRecord.apart(try Trees.records(of: id, in: database)))))"
    }
    tables["users"] = try lines("SELECT \(Self.owner), o.latencies, o.sessions FROM users o WHERE id > 0")
    tables["everybody"] = try lines("SELECT \(Self.owner), o.latencies, o.sessions FROM users o WHERE id = 0")
    tables["sessions"] = try lines(
      """
      SELECT \(Self.owner), o.latencies, u.name, user_start,
        (SELECT lower(hex(trace)) FROM traces t WHERE t.id = user_trace), o.disagrees, unnamed, last_end
      FROM sessions o LEFT JOIN users u ON u.id = o.user
      """)
    tables["days"] = try lines("SELECT u.name, day, \(Self.sums) FROM days o JOIN users u ON u.id = o.user")
    tables["names"] = try lines("SELECT name FROM names")
    tables["metadata"] = try lines("SELECT object, traces FROM metadata")
    tables["metadata_values"] = try lines(
      "SELECT key, value, object FROM metadata_values v JOIN metadata m ON m.id = v.metadata")
    tables["label_sets"] = try rows("SELECT id, traces FROM label_sets").map {
      "\(sets[Self.text($0[0])] ?? "?")|\(Self.text($0[1]))"
    }
    tables["labels"] = try rows("SELECT kind, n.name, label_set FROM labels l JOIN names n ON n.id = l.name").map {
      "\(Self.text($0[0]))|\(Self.text($0[1]))|\(sets[Self.text($0[2])] ?? "?")"
    }
    tables["facets"] = try lines(
      """
      SELECT CASE owner_kind WHEN 1 THEN 'session ' || (SELECT name FROM sessions WHERE id = owner)
        ELSE 'user ' || (SELECT name FROM users WHERE id = owner) END, kind, n.name
      FROM facets f JOIN names n ON n.id = f.name
      """)
    tables["label counts of all"] = try lines(
      "SELECT kind, n.name, traces FROM label_counts c JOIN names n ON n.id = c.name")
    tables["label counts"] = try rows(
      """
      SELECT 'user ' || name, labels FROM users WHERE id > 0 UNION ALL SELECT 'session ' || name, labels FROM sessions
      """
    ).flatMap { row in
      guard case .blob(let bytes) = row[1] else { return ["?"] }
      return bytes.withUnsafeBytes { LabelCounts($0) }.entries.map {
        "\(Self.text(row[0]))|\($0.label.kind.rawValue)|\(names[String($0.label.name)] ?? "?")|\($0.count)"
      }
    }
    tables["metadata_shapes"] = try lines(
      """
      SELECT (SELECT group_concat(key, ',') FROM (SELECT key FROM metadata_keys WHERE shape = s.id ORDER BY key)), objects,
        traces, users
      FROM metadata_shapes s
      """)
    tables["metadata without its shape"] = try lines(
      "SELECT object FROM metadata WHERE shape IS NULL OR shape NOT IN (SELECT id FROM metadata_shapes)")
    tables["trace_blocks"] = try blocks("trace_blocks", rows).flatMap { block in
      try block.rows.map { id, columns in
        let row = try rows("SELECT lower(hex(trace)), start FROM traces WHERE id = \(id)").first ?? []
        guard case .int(let start) = row.last, block.times.contains(start) else { return "\(id)?" }
        let metadata = try rows("SELECT object FROM metadata WHERE id = \(columns[2])").first.map { Self.text($0[0]) }
        return [
          Self.text(row[0]), names[String(columns[0])] ?? "-", sets[String(columns[1])] ?? "", metadata ?? "-",
        ].joined(separator: "|")
      }
    }
    for (table, owner) in [("user_blocks", "users"), ("session_blocks", "sessions")] {
      tables[table] = try blocks(table, rows).flatMap { block in
        try block.rows.map { id, columns in
          let name = try rows("SELECT name FROM \(owner) WHERE id = \(id)").first?[0]
          let metadata = try rows("SELECT object FROM metadata WHERE id = \(columns[0])").first?[0]
          return "\(name.map(Self.text) ?? "?")|\(metadata.map(Self.text) ?? "?")"
        }
      }
    }
    tables["scores"] = try lines(
      """
      SELECT score, n.name, number, l.name, data_type, source, time, lower(hex(about_trace)), span, about_session,
        (SELECT lower(hex(trace)) FROM traces WHERE id = sc.trace), o.name, u.name, comment, environment,
        sc.metadata, received
      FROM scores sc LEFT JOIN score_names n ON n.id = sc.name LEFT JOIN score_names l ON l.id = sc.label
        LEFT JOIN sessions o ON o.id = sc.session LEFT JOIN users u ON u.id = sc.user
      """)
    let owner = """
      CASE owner_kind WHEN 0 THEN 'user ' || (SELECT name FROM users WHERE id = owner)
        WHEN 1 THEN 'session ' || (SELECT name FROM sessions WHERE id = owner)
        ELSE 'trace ' || (SELECT lower(hex(trace)) FROM traces WHERE id = owner) END
      """
    tables["score_sums"] = try lines(
      """
      SELECT \(owner), n.name, m.scores, m.numbers, m.sum, m.mean, (SELECT score FROM scores WHERE id = m.latest),
        m.latest_time
      FROM score_sums m LEFT JOIN score_names n ON n.id = m.name
      """)
    tables["score_labels"] = try lines(
      """
      SELECT \(owner), n.name, l.name, m.scores
      FROM score_labels m LEFT JOIN score_names n ON n.id = m.name LEFT JOIN score_names l ON l.id = m.label
      """)
    tables["score_names"] = try lines("SELECT name, uses FROM score_names")
    tables["unpriced"] = try lines("SELECT n.name, calls FROM unpriced JOIN names n ON n.id = model")
    // What nothing else shows.
    tables["trees without a trace"] = try lines("SELECT id FROM trees WHERE id NOT IN (SELECT id FROM traces)")
    tables["parts without a trace"] = try lines(
      "SELECT id FROM tree_parts WHERE id >> 16 NOT IN (SELECT id FROM trees)")
    tables["omitted spans without a trace"] = try lines(
      "SELECT trace FROM omitted_spans WHERE trace NOT IN (SELECT id FROM traces)")
    return tables
  }

  private typealias Block = (times: ClosedRange<Int64>, rows: [Int64: [UInt64]])

  /// What a table of blocks says of rows, by their ids.
  private func blocks(_ table: String, _ rows: (String) throws -> [[SQLValue]]) throws -> [Block] {
    let columnCount = table == "trace_blocks" ? 3 : 1
    return try rows("SELECT id, earliest, latest, columns FROM \(table)").map { row in
      guard case .int(let id) = row[0], case .blob(let bytes) = row[3] else { return (0...0, [0: []]) }
      var found: [Int64: [UInt64]] = [:]
      bytes.withUnsafeBytes { bytes in
        for column in 0..<columnCount {
          RowBlock.forEach(column: column, of: bytes) { slot, number in
            let row = id * Int64(RowBlock.size) + Int64(slot)
            found[row, default: Array(repeating: 0, count: columnCount)][column] = number
          }
        }
      }
      guard case .int(let earliest) = row[1], case .int(let latest) = row[2] else { return (0...0, found) }
      return (earliest...latest, found)
    }
  }
}
