/// The blocks of a table (see `RowBlock`), kept up with its rows. A transaction writes each block that changed once.
final class RowBlocks {
  private final class Block {
    /// Of each column the numbers of all rows.
    var columns: [[Int64]]
    /// Of the rows that it has or had: when they began, in nanoseconds since the Unix epoch.
    var earliest = Int64.max
    var latest = Int64.min
    var isStored = false
    var isChanged = false

    init(columnCount: Int) {
      columns = Array(repeating: Array(repeating: 0, count: RowBlock.size), count: columnCount)
    }

    var hasTimes: Bool { earliest <= latest }

    /// Rows up to the last one that has any number.
    var count: Int { columns.map { ($0.lastIndex { $0 != 0 } ?? -1) + 1 }.max() ?? 0 }
  }

  private let database: Database
  private let columnCount: Int
  private var known: [Int64: Block] = [:]
  private var changed: [(id: Int64, block: Block)] = []
  private var last: (id: Int64, block: Block)?
  private static var keptAtMost: Int { 64 }

  private let select: Statement
  private let write: Statement
  private let delete: Statement

  /// - Parameters:
  ///   - database: that has the table.
  ///   - table: of blocks.
  ///   - columnCount: numbers of each row.
  /// - Throws: LedgerError.
  init(_ database: Database, table: String, columnCount: Int) throws(LedgerError) {
    self.database = database
    self.columnCount = columnCount
    select = try database.prepare("SELECT earliest, latest, columns FROM \(table) WHERE id = ?1")
    write = try database.prepare(
      "INSERT OR REPLACE INTO \(table) (id, earliest, latest, columns) VALUES (?1, ?2, ?3, ?4)")
    delete = try database.prepare("DELETE FROM \(table) WHERE id = ?1")
  }

  /// Notes a number of a row, 0 for none.
  func set(_ row: Int64, column: Int, to value: Int64) throws(LedgerError) {
    let place = RowBlock.place(of: row)
    let block = try block(place.block)
    guard block.columns[column][place.slot] != value else { return }
    block.columns[column][place.slot] = value
    touch(block, place.block)
  }

  /// Notes when a row begins, for blocks that are looked through in the order of time.
  func set(_ row: Int64, start: Int64) throws(LedgerError) {
    let id = RowBlock.place(of: row).block
    let block = try block(id)
    guard start < block.earliest || start > block.latest else { return }
    block.earliest = min(block.earliest, start)
    block.latest = max(block.latest, start)
    touch(block, id)
  }

  private func touch(_ block: Block, _ id: Int64) {
    guard !block.isChanged else { return }
    block.isChanged = true
    changed.append((id, block))
  }

  private func block(_ id: Int64) throws(LedgerError) -> Block {
    if let last, last.id == id { return last.block }
    let block: Block
    if let found = known[id] { block = found } else { block = try load(id) }
    known[id] = block
    last = (id, block)
    return block
  }

  private func load(_ id: Int64) throws(LedgerError) -> Block {
    let block = Block(columnCount: columnCount)
    select.bind(1, id)
    defer { select.reset() }
    guard try select.step() else { return block }
    block.isStored = true
    block.earliest = select.optionalInt(0) ?? .max
    block.latest = select.optionalInt(1) ?? .min
    select.withBytes(2) { bytes in
      for column in 0..<columnCount {
        RowBlock.forEach(column: column, of: bytes) { block.columns[column][$0] = Int64(bitPattern: $1) }
      }
    }
    return block
  }

  /// Writes what changed once it is more than so many blocks.
  func flush(beyond count: Int) throws(LedgerError) {
    if changed.count > count { try flush() }
  }

  /// Writes what changed.
  func flush() throws(LedgerError) {
    for (id, block) in changed {
      let count = block.count
      if count == 0 {
        if block.isStored {
          delete.bind(1, id)
          try delete.run()
          block.isStored = false
        }
      } else {
        write.bind(1, id)
        write.bind(2, block.hasTimes ? block.earliest : nil)
        write.bind(3, block.hasTimes ? block.latest : nil)
        write.bind(4, RowBlock.bytes(of: block.columns, count: count))
        try write.run()
        block.isStored = true
      }
      block.isChanged = false
    }
    if known.count > Self.keptAtMost {
      known = Dictionary(uniqueKeysWithValues: changed.suffix(Self.keptAtMost).map { ($0.id, $0.block) })
    }
    changed.removeAll(keepingCapacity: true)
    last = nil
  }

  /// Forgets what is known: the rows say something else.
  func reset() {
    known = [:]
    changed = []
    last = nil
  }
}
