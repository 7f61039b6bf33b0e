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
    insert = try database.prepare("INSERT INTO \(table) (\(column)) VALUES (?1)")
    delete = try database.prepare("DELETE FROM \(table) WHERE id = ?1")
  }

  /// The number of a value of late; nil for any other.
  @inline(__always)
  func known(_ value: Value) -> Int64? { ids[value] }

  /// The number of a value; `inserted` is called with it when the value is new.
  func id(of value: Value, inserted: (Int64) throws(LedgerError) -> Void = { _ in }) throws(LedgerError) -> Int64 {
    if let id = known(value) { return id }
    if ids.count >= Self.keptAtMost { ids.removeAll() }
    bind(value, to: select)
    let isThere = try select.step()
    let found = isThere ? select.int(0) : 0
    select.reset()
    if isThere {
      ids.set(found, for: value)
      return found
    }
    bind(value, to: insert)
    try insert.run()
    let id = database.lastInsertedRow
    ids.set(id, for: value)
    try inserted(id)
    return id
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
