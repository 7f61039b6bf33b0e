import OTLP

/// Writes the rows of traces that are new, as far as anybody knows: several with each statement, since what a statement costs
/// beside its rows is a good part of the whole, and without a look for what is there first.
final class NewTraces {
  /// Traces of one statement.
  static let atOnce = 16

  private let database: Database
  private let insertAll: Statement
  private let insertOne: Statement
  private let select: Statement

  init(_ database: Database) throws(LedgerError) {
    self.database = database
    // Never has to take back a part of what it did, so that SQLite keeps no copies of what it writes over.
    func insertTraces(_ count: Int) throws(LedgerError) -> Statement {
      try database.prepare(
        "INSERT OR IGNORE INTO traces (\(TraceRow.columns)) VALUES "
          + Statement.places(TraceRow.columnCount, rows: count))
    }
    insertAll = try insertTraces(Self.atOnce)
    insertOne = try insertTraces(1)
    select = try database.prepare("SELECT id FROM traces WHERE trace = ?1")
  }

  /// Writes the rows of traces that no row was looked for.
  ///
  /// - Parameter states: without rows, `atOnce` of them at most.
  /// - Returns: for each whether it is written; the others have rows from before.
  /// - Throws: LedgerError.
  func write(_ states: [TraceState]) throws(LedgerError) -> [Bool] {
    if states.count == Self.atOnce {
      for (number, state) in states.enumerated() { state.row.bind(to: insertAll, row: number) }
      try insertAll.run()
      if database.changes == states.count { return Array(repeating: true, count: states.count) }
      return try states.map { (state) throws(LedgerError) in try isRow(of: state) }
    }
    return try states.map { (state) throws(LedgerError) in
      state.row.bind(to: insertOne)
      try insertOne.run()
      return database.changes == 1
    }
  }

  private func isRow(of state: TraceState) throws(LedgerError) -> Bool {
    let trace = state.row.trace
    withUnsafeBytes(of: (trace.first, trace.second)) { select.bind(1, $0) }
    defer { select.reset() }
    return try select.step() && select.int(0) == state.row.id
  }
}
