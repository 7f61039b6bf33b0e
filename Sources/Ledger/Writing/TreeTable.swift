/// Writes the rows of `trees`. Those of new traces wait until they fill a row together (see `TreeRow`); what is left of a
/// transaction gets rows of its own. Traces are taken out at the end of it, from each row at once.
final class TreeTable {
  private let insert: Statement
  private let update: Statement
  private let delete: Statement
  private let trees: Trees
  /// Bytes with which a bundle is full.
  private let fullSize: Int

  /// The bundle that is being filled, the traces in it, and the first one's id, which will be the row's.
  private var bundle: [UInt8] = []
  private var waiting: [(trace: Int64, tree: Range<Int>)] = []
  private var row: Int64 = 0
  private var removed: [Int64] = []

  init(_ database: Database) throws(LedgerError) {
    insert = try database.prepare("INSERT INTO trees (id, records) VALUES (?1, ?2)")
    update = try database.prepare("UPDATE trees SET records = ?2 WHERE id = ?1")
    delete = try database.prepare("DELETE FROM trees WHERE id = ?1")
    trees = try Trees(database)
    fullSize = Self.fullSize(pageSize: Int(try database.int("PRAGMA page_size") ?? 0))
  }

  /// Bytes with which a bundle fills a page of its own, beside the least that SQLite keeps of a large row with other rows: an
  /// eighth of a page. What it has beyond that is kept there too. With more pages, each trace would cost more to read.
  ///
  /// See https://www.sqlite.org/fileformat2.html#b_tree_pages.
  static func fullSize(pageSize: Int) -> Int {
    let leastBesideOthers = (pageSize - 12) * 32 / 255 - 23
    let ofItsOwn = pageSize - 4
    // Columns' types.
    let header = 5
    return leastBesideOthers + ofItsOwn - header
  }

  /// Forgets what was to be written.
  func reset() {
    waiting.removeAll(keepingCapacity: true)
    removed.removeAll(keepingCapacity: true)
  }

  /// Adds the tree of a new trace, whose id is above that of any other.
  func add(_ records: [UInt8], of trace: Int64) throws(LedgerError) {
    assert(records.first != TreeRow.bundleMark && waiting.last.map { $0.trace < trace } ?? true)
    if records.count >= fullSize {
      try writeWaiting()
      return try run(insert, trace, records[...])
    }
    if waiting.isEmpty {
      bundle.removeAll(keepingCapacity: true)
      bundle.append(TreeRow.bundleMark)
      row = trace
    }
    TreeRow.appendHead(of: trace, byteCount: records.count, in: row, to: &bundle)
    waiting.append((trace, bundle.count..<bundle.count + records.count))
    bundle.append(contentsOf: records)
    if bundle.count >= fullSize { try writeBundle() }
  }

  /// What a trace has: see `Trees`.
  func parts(of trace: Int64) throws(LedgerError) -> (records: [UInt8], last: Int64, start: Int) {
    if let first = waiting.first, trace >= first.trace { try writeWaiting() }
    return try trees.parts(of: trace)
  }

  /// Removes the tree of a trace, at the end of the transaction.
  func remove(_ trace: Int64) {
    removed.append(trace)
  }

  /// Writes everything, at the end of a transaction.
  func flush() throws(LedgerError) {
    try writeWaiting()
    if !removed.isEmpty { try removeAll() }
  }

  // MARK: Rows

  /// A full bundle.
  private func writeBundle() throws(LedgerError) {
    if waiting.count == 1 { return try writeWaiting() }
    try run(insert, row, bundle[...])
    waiting.removeAll(keepingCapacity: true)
  }

  /// A bundle that isn't full would leave more room than rows of their own do.
  private func writeWaiting() throws(LedgerError) {
    for place in waiting { try run(insert, place.trace, bundle[place.tree]) }
    waiting.removeAll(keepingCapacity: true)
  }

  private func run(_ statement: Statement, _ row: Int64, _ records: ArraySlice<UInt8>) throws(LedgerError) {
    statement.bind(1, row)
    try records.withUnsafeBufferPointer { (records) throws(LedgerError) in
      try statement.run(lending: UnsafeRawBufferPointer(records), at: 2)
    }
  }

  private func removeAll() throws(LedgerError) {
    let gone = Set(removed)
    var done = Int64.min
    for trace in removed.sorted() where trace > done {
      let found = try trees.withRow(of: trace) { row, bytes in
        (row: row, content: TreeRow.rest(of: row, bytes, without: gone.contains))
      }
      guard let found else { continue }
      try write(found.content.rest, as: found.row)
      done = max(trace, found.content.last)
    }
    removed.removeAll(keepingCapacity: true)
  }

  private func write(_ rest: TreeRow.Rest, as row: Int64) throws(LedgerError) {
    switch rest {
    case .unchanged: return
    case .nothing:
      delete.bind(1, row)
      try delete.run()
    case .bytes(let bytes): try run(update, row, bytes[...])
    }
  }
}
