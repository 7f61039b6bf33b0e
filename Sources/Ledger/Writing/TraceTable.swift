import Facts
import OTLP

/// The rows of `traces` and what belongs to one: its tree, its omitted spans, its bodies.
final class TraceTable {
  let trees: TreeTable
  private let database: Database
  private var nextID: Int64
  private let select: Statement
  private let insert: Statement
  private let update: Statement
  private let updateInPlace: Statement
  private let updateUser: Statement
  private let insertPart: Statement
  private let updatePart: Statement
  private let insertOmitted: Statement
  private let insertBody: Statement
  private let deletions: [Statement]

  init(_ database: Database) throws(LedgerError) {
    self.database = database
    trees = try TreeTable(database)
    let columns = TraceRow.columns.split(separator: ", ")
    func assignments(without: Set<String>) -> String {
      columns.indices.filter { !without.contains(String(columns[$0])) }.map { "\(columns[$0]) = ?\($0 + 1)" }
        .joined(separator: ", ")
    }
    select = try database.prepare("SELECT \(TraceRow.columns) FROM traces WHERE trace = ?1")
    insert = try database.prepare(
      "INSERT INTO traces (\(TraceRow.columns)) VALUES \(Statement.places(TraceRow.columnCount))")
    update = try database.prepare("UPDATE traces SET \(assignments(without: ["id", "trace"])) WHERE id = ?1")
    // Leaves the indexes alone.
    updateInPlace = try database.prepare(
      "UPDATE traces SET \(assignments(without: ["id", "trace", "user", "session", "start"])) WHERE id = ?1")
    updateUser = try database.prepare("UPDATE traces SET user = ?2 WHERE id = ?1")
    insertPart = try database.prepare("INSERT INTO tree_parts (id, records) VALUES (?1, ?2)")
    updatePart = try database.prepare("UPDATE tree_parts SET records = ?2 WHERE id = ?1")
    insertOmitted = try database.prepare("INSERT OR IGNORE INTO omitted_spans (trace, span) VALUES (?1, ?2)")
    insertBody = try database.prepare("INSERT OR IGNORE INTO bodies (trace, span, body) VALUES (?1, ?2, ?3)")
    deletions = [
      try database.prepare("DELETE FROM traces WHERE id = ?1"),
      try database.prepare("DELETE FROM tree_parts WHERE id BETWEEN ?1 << 16 AND (?1 << 16) + 65535"),
      try database.prepare("DELETE FROM omitted_spans WHERE trace = ?1"),
      try database.prepare("DELETE FROM bodies WHERE trace = ?1"),
    ]
    nextID = try database.int("SELECT max(id) + 1 FROM traces") ?? 1
  }

  /// Forgets what is known: the rows say something else.
  func reset() throws(LedgerError) {
    trees.reset()
    nextID = try database.int("SELECT max(id) + 1 FROM traces") ?? 1
  }

  // MARK: Reading

  /// The trace with its records; a new one without a row if there is none.
  func load(_ trace: TraceID) throws(LedgerError) -> TraceState {
    withUnsafeBytes(of: (trace.first, trace.second)) { select.bind(1, $0) }
    guard try select.step() else {
      select.reset()
      return begin(trace)
    }
    let state = TraceState(TraceRow(select))
    select.reset()
    state.isStored = true
    let parts = try trees.parts(of: state.row.id)
    (state.records, state.lastPart, state.lastPartStart) = (parts.records, parts.last, parts.start)
    return state
  }

  /// A new trace without a row.
  func begin(_ trace: TraceID) -> TraceState {
    nextID += 1
    return TraceState(TraceRow(id: nextID - 1, trace: trace))
  }

  // MARK: Writing

  /// Writes a new row, or over the one that `before` was.
  func write(_ row: TraceRow, over before: TraceRow?) throws(LedgerError) {
    guard let before else {
      row.bind(to: insert)
      return try insert.run()
    }
    let isInPlace = row.user == before.user && row.session == before.session && row.start == before.start
    let statement = isInPlace ? updateInPlace : update
    row.bind(to: statement)
    try statement.run()
  }

  func write(user: Int64?, of trace: Int64) throws(LedgerError) {
    updateUser.bind(1, trace)
    updateUser.bind(2, user)
    try updateUser.run()
  }

  /// Writes the records from `start` on, which came behind those that were written before.
  func writeTree(of state: TraceState, from start: Int) throws(LedgerError) {
    guard state.isStored else { return try trees.add(state.records, of: state.row.id) }
    let fits = state.records.count - state.lastPartStart <= Trees.partSize || state.lastPart == Trees.maxParts - 1
    let statement: Statement
    if state.lastPart > 0 && fits {
      statement = updatePart
    } else {
      state.lastPart += 1
      state.lastPartStart = start
      statement = insertPart
    }
    statement.bind(1, Trees.id(trace: state.row.id, part: state.lastPart))
    let part = state.lastPartStart
    try state.records.withUnsafeBufferPointer { (records) throws(LedgerError) in
      try statement.run(lending: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(records)[part...]), at: 2)
    }
  }

  /// Remembers a span that is not in the tree; false when it was remembered already.
  func omit(_ span: UInt64, of trace: Int64) throws(LedgerError) -> Bool {
    insertOmitted.bind(1, trace)
    insertOmitted.bind(2, Int64(bitPattern: span))
    try insertOmitted.run()
    return database.changes > 0
  }

  func write(body: [UInt8], of span: UInt64, in trace: Int64) throws(LedgerError) {
    insertBody.bind(1, trace)
    insertBody.bind(2, Int64(bitPattern: span))
    insertBody.bind(3, body)
    try insertBody.run()
  }

  /// Removes a trace with all that belongs to it.
  func delete(_ trace: Int64) throws(LedgerError) {
    for deletion in deletions {
      deletion.bind(1, trace)
      try deletion.run()
    }
    trees.remove(trace)
  }
}
