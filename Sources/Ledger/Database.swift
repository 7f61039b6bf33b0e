import CSQLite
import Glibc

/// One connection to an SQLite file. Belongs to one thread at a time.
final class Database {
  enum Mode {
    /// Reads what is there; the file must exist.
    case readOnly
    /// Reads and writes; the file must exist.
    case readWrite
    /// Reads and writes; the file is made when it is missing.
    case create
  }

  let path: String
  let handle: OpaquePointer
  /// See `setTimeLimit`.
  let timeLimit = TimeLimit()
  private var statements: [String: Statement] = [:]
  /// The prepared statements that are kept at most: those with a text of their own for each question are many.
  private static let maxStatements = 200

  /// Without SQLite's own count of its memory, which costs a lock for each piece. Only before anything is opened.
  private static let isSetUp = csqlite_forgo_statistics() == SQLITE_OK

  /// Opens the file. That it is a database shows with the first statement.
  ///
  /// - Parameters:
  ///   - path: of the file.
  ///   - mode: what may be done with it.
  ///   - busyTimeout: milliseconds to wait for another connection's lock.
  /// - Throws: LedgerError.missing, or why SQLite cannot open it.
  init(path: String, mode: Mode, busyTimeout: Int32 = 5000) throws(LedgerError) {
    self.path = path
    let flags =
      switch mode {
      case .readOnly: SQLITE_OPEN_READONLY
      case .readWrite: SQLITE_OPEN_READWRITE
      case .create: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
      }
    _ = Self.isSetUp
    if mode != .create, access(path, F_OK) != 0 { throw .missing(path: path) }
    var handle: OpaquePointer?
    // Each connection has one thread at a time, so SQLite's own locks would only cost.
    let code = sqlite3_open_v2(path, &handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nil)
    guard code == SQLITE_OK, let handle else {
      let message = handle.map { String(cString: sqlite3_errmsg($0)) } ?? String(cString: sqlite3_errstr(code))
      sqlite3_close_v2(handle)
      throw .database(message: message, code: code, path: path)
    }
    self.handle = handle
    sqlite3_busy_timeout(handle, busyTimeout)
    _ = csqlite_defend(handle)
  }

  deinit {
    statements = [:]
    sqlite3_close_v2(handle)
  }

  // MARK: Statements

  /// The statement of that text, prepared once and kept. Ready to be bound; whoever steps through it resets it.
  func statement(_ sql: String) throws(LedgerError) -> Statement {
    if let known = statements[sql] {
      known.reset()
      return known
    }
    if statements.count >= Self.maxStatements { statements.removeAll() }
    let statement = try prepare(sql)
    statements[sql] = statement
    return statement
  }

  /// A statement of its own, which is not kept.
  func prepare(_ sql: String) throws(LedgerError) -> Statement {
    var prepared: OpaquePointer?
    let code = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, nil)
    guard code == SQLITE_OK, let prepared else { throw error(code) }
    return Statement(prepared, self)
  }

  /// Runs statements that have no parameters and whose rows are of no interest.
  func execute(_ sql: String) throws(LedgerError) {
    let code = sqlite3_exec(handle, sql, nil, nil, nil)
    guard code == SQLITE_OK else { throw error(code) }
  }

  /// Runs one statement with its parameters.
  func run(_ sql: String, _ parameters: [SQLValue] = []) throws(LedgerError) {
    let statement = try statement(sql)
    statement.bind(parameters)
    try statement.run()
  }

  /// Lends each row of a query's answer.
  func forEach(_ sql: String, _ parameters: [SQLValue] = [], _ body: (Statement) throws(LedgerError) -> Void)
    throws(LedgerError)
  {
    let statement = try statement(sql)
    defer { statement.reset() }
    statement.bind(parameters)
    while try statement.step() { try body(statement) }
  }

  /// The first column of the first row; nil without a row.
  func value(_ sql: String, _ parameters: [SQLValue] = []) throws(LedgerError) -> SQLValue? {
    let statement = try statement(sql)
    defer { statement.reset() }
    statement.bind(parameters)
    return try statement.step() ? statement.value(0) : nil
  }

  /// The first column of the first row as a number; nil without a row, or when it is none.
  func int(_ sql: String, _ parameters: [SQLValue] = []) throws(LedgerError) -> Int64? {
    guard case .int(let value) = try value(sql, parameters) else { return nil }
    return value
  }

  // MARK: Transactions

  enum TransactionKind: String {
    /// Holds one state of the file for all reads within it.
    case deferred
    /// Has the only write lock from its beginning.
    case immediate
  }

  /// Commits when the body returns, rolls back when it or the commit throws.
  func transaction<Result>(
    _ kind: TransactionKind = .immediate, _ body: () throws(LedgerError) -> Result
  ) throws(LedgerError) -> Result {
    try run(kind == .immediate ? "BEGIN IMMEDIATE" : "BEGIN")
    do throws(LedgerError) {
      let result = try body()
      try run("COMMIT")
      return result
    } catch {
      rollBack()
      throw error
    }
  }

  /// Ends a transaction without its changes, if there is one.
  func rollBack() {
    for statement in statements.values { statement.reset() }
    if sqlite3_get_autocommit(handle) == 0 { sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) }
  }

  var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }
  var lastInsertedRow: Int64 { sqlite3_last_insert_rowid(handle) }
  /// Rows that the last statement changed.
  var changes: Int { Int(sqlite3_changes64(handle)) }

  /// What SQLite says about its last fault.
  func error(_ code: Int32) -> LedgerError {
    .database(message: String(cString: sqlite3_errmsg(handle)), code: code, path: path)
  }
}
