import Glibc

/// Opens ledgers, and nothing that is none.
enum LedgerFile {
  /// Opens a ledger to write to; makes it, with the directory that it is in, when it is missing, and brings an older one
  /// up to this version.
  ///
  /// - Throws: LedgerError; a file that is no ledger, or a later version's, stays as it is.
  static func openForWriting(path: String, mayCreate: Bool = true) throws(LedgerError) -> Database {
    if mayCreate { makeFile(path) }
    let database = try Database(path: path, mode: mayCreate ? .create : .readWrite)
    let version = try check(database, path: path)
    if version == nil {
      // Only before there are tables.
      try database.execute("PRAGMA page_size = 8192")
    }
    try database.execute(
      """
      PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;
      PRAGMA cache_size = -32768; PRAGMA journal_size_limit = 134217728;
      PRAGMA wal_autocheckpoint = 8000
      """)
    if (version ?? 0) < Schema.migrations.count { try migrate(database, path: path) }
    return database
  }

  /// Opens a ledger to read from, of this version.
  ///
  /// - Throws: LedgerError.
  static func openForReading(path: String) throws(LedgerError) -> Database {
    let database = try Database(path: path, mode: .readOnly)
    guard let version = try check(database, path: path) else { throw .notALedger(path: path) }
    guard version == Schema.migrations.count else {
      throw .database(
        message: "it has version \(version) and was not brought up to \(Schema.migrations.count) yet; start a collector"
          + " with it once", code: 0, path: path)
    }
    try database.execute("PRAGMA query_only = ON; PRAGMA mmap_size = 1073741824; PRAGMA temp_store = MEMORY")
    return database
  }

  /// The version of a ledger; nil for an empty file.
  private static func check(_ database: Database, path: String) throws(LedgerError) -> Int? {
    do throws(LedgerError) {
      let application = try database.int("PRAGMA application_id")
      let version = Int(try database.int("PRAGMA user_version") ?? 0)
      if application == Schema.applicationID {
        guard version <= Schema.migrations.count else {
          throw .tooNew(path: path, version: version, known: Schema.migrations.count)
        }
        return version
      }
      guard application == 0, version == 0, try database.int("SELECT count(*) FROM sqlite_schema") == 0 else {
        throw .notALedger(path: path)
      }
      return nil
    } catch {
      if case .database(_, let code, _) = error, code & 0xff == notADatabase { throw .notALedger(path: path) }
      throw error
    }
  }

  /// SQLITE_NOTADB.
  private static let notADatabase: Int32 = 26

  private static func migrate(_ database: Database, path: String) throws(LedgerError) {
    try database.transaction { () throws(LedgerError) in
      // Somebody else may have done it since.
      let version = try check(database, path: path) ?? 0
      for migration in Schema.migrations.dropFirst(version) {
        try database.execute(migration.sql)
        try migration.fill(database)
      }
      try database.execute(
        "PRAGMA application_id = \(Schema.applicationID); PRAGMA user_version = \(Schema.migrations.count)")
    }
  }

  /// Makes the file with the mode of everything that holds what people sent. What fails here fails again, with a better
  /// message, when SQLite opens it.
  private static func makeFile(_ path: String) {
    var part = ""
    for name in path.split(separator: "/", omittingEmptySubsequences: false).dropLast() {
      part += name + "/"
      mkdir(part, 0o750)
    }
    let descriptor = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0o640)
    if descriptor >= 0 { close(descriptor) }
  }
}
