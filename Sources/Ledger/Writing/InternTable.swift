/// Values that rows refer to by number: each is stored once.
final class InternTable<Key: Hashable> {
  private let database: Database
  private var ids: [Key: Int64] = [:]
  private let select: Statement
  private let insert: Statement
  private let delete: Statement
  private let bind: (Statement, Key) -> Void
  private static var keptAtMost: Int { 50_000 }

  /// - Parameters:
  ///   - database: that has the table.
  ///   - table: with an `id` and the column.
  ///   - column: what is stored once.
  ///   - bind: binds a value to the first place.
  /// - Throws: LedgerError.
  init(_ database: Database, table: String, column: String, bind: @escaping (Statement, Key) -> Void)
    throws(LedgerError)
  {
    self.database = database
    self.bind = bind
    select = try database.prepare("SELECT id FROM \(table) WHERE \(column) = ?1")
    insert = try database.prepare("INSERT INTO \(table) (\(column)) VALUES (?1)")
    delete = try database.prepare("DELETE FROM \(table) WHERE id = ?1")
  }

  /// The number of a value; `inserted` is called with it when the value is new.
  func id(of key: Key, inserted: (Int64) throws(LedgerError) -> Void = { _ in }) throws(LedgerError) -> Int64 {
    if let id = ids[key] { return id }
    if ids.count >= Self.keptAtMost { ids.removeAll() }
    bind(select, key)
    let isThere = try select.step()
    let found = isThere ? select.int(0) : 0
    select.reset()
    if isThere {
      ids[key] = found
      return found
    }
    bind(insert, key)
    try insert.run()
    let id = database.lastInsertedRow
    ids[key] = id
    try inserted(id)
    return id
  }

  func remove(_ id: Int64, key: Key) throws(LedgerError) {
    ids[key] = nil
    delete.bind(1, id)
    try delete.run()
  }

  func reset() {
    ids = [:]
  }
}
