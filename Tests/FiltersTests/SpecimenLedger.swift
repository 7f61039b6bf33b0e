import Filters
import Foundation
import JSON
import OTLP
import Testing

@testable import Ledger

/// Specimens as rows of a ledger's tables, each view's rows with what is asked of them as plain lists.
final class SpecimenLedger {
  private(set) var rows: [LedgerView: [Int64: NaiveRow]] = [:]
  private let database: Database
  private let directory: URL
  private var users: [[UInt8]: Int64] = [:]
  private var sessions: [[UInt8]: Int64] = [:]
  private var names: [[UInt8]: Int64] = [:]
  private var objects: [[UInt8]: Int64] = [:]
  private var labelSets: [[UInt8]: Int64] = [:]

  init(_ specimens: [Specimen]) throws {
    directory = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    database = try LedgerFile.openForWriting(path: directory.appending(path: "ledger.db").path)
    for (place, specimen) in specimens.enumerated() { try insert(specimen, id: Int64(place + 1)) }
    // A session belongs to one user here: that of its first trace.
    var owners: [Int64: [Specimen]] = [:]
    var sessionUsers: [Int64: Int64] = [:]
    var sessionTraces: [Int64: [Specimen]] = [:]
    for specimen in specimens {
      let user = specimen.endUser.flatMap { users[Array($0.utf8)] }
      if let user { owners[user, default: []].append(specimen) }
      guard let session = specimen.session.flatMap({ sessions[Array($0.utf8)] }) else { continue }
      if let user, sessionUsers[session] == nil { sessionUsers[session] = user }
      sessionTraces[session, default: []].append(specimen)
    }
    let sessionNames = Dictionary(uniqueKeysWithValues: sessions.map { ($1, String(decoding: $0, as: UTF8.self)) })
    let userNames = Dictionary(uniqueKeysWithValues: users.map { ($1, String(decoding: $0, as: UTF8.self)) })
    for (user, traces) in owners {
      let own = sessionUsers.filter { $0.value == user }.compactMap { sessionNames[$0.key] }
      var row = NaiveRow(of: traces)
      row.texts[.endUser] = userNames[user].map { [$0] }
      row.texts[.session] = own
      row.numbers[.sessions] = Decimal(own.count)
      try update("users", user, traces, row)
      try database.run("UPDATE users SET sessions = ? WHERE id = ?", [.int(Int64(own.count)), .int(user)])
      rows[.users, default: [:]][user] = row
    }
    for (session, traces) in sessionTraces {
      var row = NaiveRow(of: traces)
      row.texts[.endUser] = sessionUsers[session].flatMap { userNames[$0] }.map { [$0] }
      row.texts[.session] = sessionNames[session].map { [$0] }
      try update("sessions", session, traces, row)
      try database.run("UPDATE sessions SET user = ? WHERE id = ?", [SQLValue(sessionUsers[session]), .int(session)])
      rows[.sessions, default: [:]][session] = row
    }
  }

  deinit {
    try? FileManager.default.removeItem(at: directory)
  }

  /// The ids of the rows that a filter chooses.
  func ids(_ filter: FilterSQL, in view: LedgerView) throws -> Set<Int64> {
    let alias = view.alias
    let statement = try database.prepare(
      "SELECT id FROM \(view.rawValue) \(alias) WHERE id > 0 AND \(filter.sql) ORDER BY id")
    statement.bind(filter.parameters)
    #expect(statement.parameterCount == filter.parameters.count)
    var ids: Set<Int64> = []
    while try statement.step() { ids.insert(statement.int(0)) }
    return ids
  }

  /// How SQLite goes about it.
  func plan(_ filter: FilterSQL, in view: LedgerView) throws -> String {
    let statement = try database.prepare(
      "EXPLAIN QUERY PLAN SELECT id FROM \(view.rawValue) \(view.alias) WHERE \(filter.sql)")
    var steps: [String] = []
    while try statement.step() { steps.append(statement.text(3)) }
    return steps.joined(separator: "\n")
  }

  private func insert(_ specimen: Specimen, id: Int64) throws {
    let user = try number(of: specimen.endUser, in: "users", \.users)
    let session = try number(of: specimen.session, in: "sessions", \.sessions)
    let name = try number(of: specimen.name, in: "names", \.names)
    let model = try number(of: specimen.model, in: "names", \.names)
    let tags = try specimen.tags.map { try number(of: $0, in: "names", \.names) }
    let metadata = try specimen.metadata.map { try number(of: $0) }
    var labels: Int64?
    if model != nil || !tags.isEmpty {
      let text = "\(model ?? 0) \(tags)"
      labels = labelSets[Array(text.utf8)] ?? Int64(labelSets.count + 1)
      if labelSets.updateValue(labels ?? 0, forKey: Array(text.utf8)) == nil {
        try database.run("INSERT INTO label_sets (id, labels) VALUES (?, ?)", [SQLValue(labels), .text(text)])
        for (kind, label) in [(0, model)] + tags.map({ (1, $0) }) where label != nil {
          try database.run(
            "INSERT INTO labels (kind, name, label_set) VALUES (?, ?, ?)",
            [.int(Int64(kind)), SQLValue(label), SQLValue(labels)])
        }
      }
    }
    for (kind, label) in [(0, model), (2, name)] + tags.map({ (1, $0) }) {
      for (owner, number) in [(0, user), (1, session)] {
        guard let label, let number else { continue }
        try database.run(
          "INSERT OR REPLACE INTO facets (owner_kind, owner, kind, name) VALUES (?, ?, ?, ?)",
          [.int(Int64(owner)), .int(number), .int(Int64(kind)), .int(label)])
      }
    }
    try database.run(
      """
      INSERT INTO traces (id, trace, user, session, name, metadata, labels, start, latency, observations, errors, input,
      output, total, cost, updated) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, 0)
      """,
      [
        .int(id), .blob(withUnsafeBytes(of: specimen.trace) { Array($0) }), SQLValue(user), SQLValue(session),
        SQLValue(name), SQLValue(metadata), SQLValue(labels), .int(specimen.start), .int(specimen.latency),
        .int(specimen.isError ? 1 : 0), SQLValue(specimen.inputTokens), SQLValue(specimen.outputTokens),
        SQLValue(specimen.tokens), SQLValue(specimen.cost),
      ])
    var row = NaiveRow(specimen)
    row.numbers[.observations] = 1
    row.numbers[.errors] = specimen.isError ? 1 : 0
    row.numbers[.firstEvent] = Decimal(specimen.start)
    row.numbers[.lastEvent] = Decimal(specimen.start)
    rows[.traces, default: [:]][id] = row
  }

  private func number(
    of name: String?, in table: String, _ known: ReferenceWritableKeyPath<SpecimenLedger, [[UInt8]: Int64]>
  ) throws -> Int64? {
    guard let name else { return nil }
    if let number = self[keyPath: known][Array(name.utf8)] { return number }
    try database.run("INSERT INTO \(table) (name) VALUES (?)", [.text(name)])
    self[keyPath: known][Array(name.utf8)] = database.lastInsertedRow
    return database.lastInsertedRow
  }

  private func number(of metadata: Specimen.Metadata) throws -> Int64 {
    if let number = objects[Array(metadata.json.utf8)] { return number }
    try database.run("INSERT INTO metadata (object) VALUES (?)", [.text(metadata.json)])
    let number = database.lastInsertedRow
    objects[Array(metadata.json.utf8)] = number
    for (path, value) in metadata.values {
      try database.run(
        "INSERT OR IGNORE INTO metadata_values (key, value, metadata) VALUES (?, ?, ?)",
        [.text(path), .text(value), .int(number)])
    }
    return number
  }

  /// Writes a user's or session's sums. The latency is no percentile, but a number.
  private func update(_ table: String, _ id: Int64, _ traces: [Specimen], _ row: NaiveRow) throws {
    func sum(_ column: String, _ values: [Int64?]) -> [(String, SQLValue)] {
      let known = values.compactMap(\.self)
      return [(column, .int(known.reduce(0, +))), ("\(column)_known", .int(Int64(known.count)))]
    }
    let columns: [(String, SQLValue)] =
      [
        ("traces", .int(Int64(traces.count))), ("observations", .int(Int64(traces.count))),
        ("errors", .int(Int64(traces.count { $0.isError }))),
        ("first_event", SQLValue(traces.map(\.start).min())), ("last_event", SQLValue(traces.map(\.start).max())),
        ("p95", SQLValue(traces.map(\.latency).max())),
        ("metadata", SQLValue(traces.last?.metadata.flatMap { objects[Array($0.json.utf8)] })),
      ] + sum("input", traces.map(\.inputTokens)) + sum("output", traces.map(\.outputTokens))
      + sum("total", traces.map(\.tokens)) + sum("cost", traces.map(\.cost))
    try database.run(
      "UPDATE \(table) SET \(columns.map { "\($0.0) = ?" }.joined(separator: ", ")) WHERE id = ?",
      columns.map(\.1) + [.int(id)])
  }
}

extension NaiveRow {
  /// Whoever has these traces.
  fileprivate init(of traces: [Specimen]) {
    for field in [Filter.Field.name, .workflow, .model, .tag, .trace] {
      texts[field] = traces.flatMap { NaiveRow($0).texts[field] ?? [] }
    }
    metadata = traces.last?.metadata?.values ?? []
    func sum(_ values: [Int64?], dividedBy divisor: Decimal = 1) -> Decimal? {
      let known = values.compactMap(\.self)
      return known.isEmpty ? nil : Decimal(known.reduce(0, +)) / divisor
    }
    numbers[.cost] = sum(traces.map(\.cost), dividedBy: 1_000_000_000)
    numbers[.tokens] = sum(traces.map(\.tokens))
    numbers[.inputTokens] = sum(traces.map(\.inputTokens))
    numbers[.outputTokens] = sum(traces.map(\.outputTokens))
    numbers[.traces] = Decimal(traces.count)
    numbers[.observations] = Decimal(traces.count)
    numbers[.errors] = Decimal(traces.count { $0.isError })
    numbers[.latency] = traces.map(\.latency).max().map { Decimal($0) }
    numbers[.firstEvent] = traces.map(\.start).min().map { Decimal($0) }
    numbers[.lastEvent] = traces.map(\.start).max().map { Decimal($0) }
    isError = traces.contains(where: \.isError)
  }
}
