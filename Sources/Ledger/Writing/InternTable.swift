/// Text or blobs that rows refer to by number: each is stored once.
final class InternTable {
  typealias Value = UnsafeRawBufferPointer

  private let database: Database
  private let isText: Bool
  private var ids = ByteTable<Int64>()
  private let select: Statement
  private let insert: Statement
  private let delete: Statement
  private static let keptAtMost = 50_000

  /// - Parameters:
  ///   - database: that has the table.
  ///   - table: with an `id` and the column.
  ///   - column: what is stored once.
  ///   - isText: whether values are UTF-8; else they are blobs.
  /// - Throws: LedgerError.
  init(_ database: Database, table: String, column: String, isText: Bool) throws(LedgerError) {
    self.database = database
    self.isText = isText
    select = try database.prepare("SELECT id FROM \(table) WHERE \(column) = ?1")
    insert = try database.prepare("INSERT OR IGNORE INTO \(table) (\(column)) VALUES (?1)")
    delete = try database.prepare("DELETE FROM \(table) WHERE id = ?1")
  }

  /// The number of a value of late; nil for any other.
  @inline(__always)
  func known(_ value: Value) -> Int64? { ids[value] }

  /// The number of a value; `inserted` is called with it when the value is new.
  func id(of value: Value, inserted: (Int64) throws(LedgerError) -> Void = { _ in }) throws(LedgerError) -> Int64 {
    if let id = known(value) { return id }
    if ids.count >= Self.keptAtMost { ids.removeAll() }
    // Most that is not known is new: to insert it tells.
    bind(value, to: insert)
    try insert.run()
    if database.changes == 0 {
      let id = try storedID(of: value)
      ids.set(id, for: value)
      return id
    }
    let id = database.lastInsertedRow
    ids.set(id, for: value)
    try inserted(id)
    return id
  }

  private func storedID(of value: Value) throws(LedgerError) -> Int64 {
    bind(value, to: select)
    defer { select.reset() }
    guard try select.step() else {
      throw .database(message: "a value can be neither stored nor found", code: 0, path: database.path)
    }
    return select.int(0)
  }

  func id(of value: [UInt8], inserted: (Int64) throws(LedgerError) -> Void = { _ in }) throws(LedgerError) -> Int64 {
    try value.withUnsafeBufferPointer { (value) throws(LedgerError) in
      try id(of: UnsafeRawBufferPointer(value), inserted: inserted)
    }
  }

  func id(of text: String) throws(LedgerError) -> Int64 { try id(of: Array(text.utf8)) }

  func remove(_ id: Int64, value: [UInt8]) throws(LedgerError) {
    value.withUnsafeBytes { _ = ids.remove($0) }
    delete.bind(1, id)
    try delete.run()
  }

  func reset() {
    ids.removeAll()
  }

  private func bind(_ value: Value, to statement: Statement) {
    if isText { statement.bindText(1, value) } else { statement.bind(1, value) }
  }
}
