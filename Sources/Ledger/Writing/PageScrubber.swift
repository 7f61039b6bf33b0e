import CSQLite

/// Overwrites what nobody uses of a file's pages. `secure_delete` leaves copies there: when SQLite moves rows from one page to
/// another, the first keeps their bytes between its list of rows and the rows that stay.
///
/// See https://www.sqlite.org/fileformat2.html#b_tree_pages and, for which pages have rows, #pointer_map_or_ptrmap_pages.
struct PageScrubber {
  private let database: Database
  private let pageSize: Int
  private let pageCount: Int64
  /// Without what is reserved at a page's end.
  private let usableSize: Int

  /// Nil for a file that does not say which of its pages have rows: no ledger is one.
  ///
  /// - Throws: LedgerError.
  init?(_ database: Database) throws(LedgerError) {
    self.database = database
    let header = try database.readFile(100, at: 0)
    func number(_ offset: Int, _ size: Int) -> Int { header[offset..<offset + size].reduce(0) { $0 << 8 | Int($1) } }
    let size = number(16, 2)
    pageSize = size == 1 ? 65536 : size
    usableSize = pageSize - number(20, 1)
    pageCount = try database.int("PRAGMA page_count") ?? 0
    guard number(52, 4) != 0 else { return nil }
  }

  /// Overwrites what is unused of some pages. The log must be empty, and the writers' lock be held. The first page has nothing
  /// but the names of tables.
  ///
  /// - Parameters:
  ///   - first: of the pages, 2 at least.
  ///   - count: of pages at most.
  /// - Returns: the page to go on with; nil at the end.
  /// - Throws: LedgerError.
  func scrub(from first: Int64, count: Int64) throws(LedgerError) -> Int64? {
    let end = min(first + count, pageCount + 1)
    var map = (page: Int64(0), bytes: [UInt8]())
    var page = first
    while page < end {
      let mapPage = mapPage(of: page)
      if map.page != mapPage { map = (mapPage, try database.readFile(pageSize, at: offset(of: mapPage))) }
      if page > mapPage, Self.hasRows(map.bytes[5 * Int(page - mapPage - 1)]) { try scrub(page) }
      page += 1
    }
    try database.syncFile()
    return end <= pageCount ? end : nil
  }

  private func scrub(_ page: Int64) throws(LedgerError) {
    let bytes = try database.readFile(pageSize, at: offset(of: page))
    // Interior pages' headers are longer.
    let isLeaf = bytes[0] == 10 || bytes[0] == 13
    guard isLeaf || bytes[0] == 2 || bytes[0] == 5 else { return }
    let rows = Int(bytes[3]) << 8 | Int(bytes[4])
    let start = Int(bytes[5]) << 8 | Int(bytes[6])
    let unused = ((isLeaf ? 8 : 12) + 2 * rows, start == 0 ? 65536 : start)
    guard unused.0 < unused.1, unused.1 <= usableSize, bytes[unused.0..<unused.1].contains(where: { $0 != 0 }) else {
      return
    }
    try database.zeroFile(unused.1 - unused.0, at: offset(of: page) + Int64(unused.0))
  }

  private func offset(of page: Int64) -> Int64 { (page - 1) * Int64(pageSize) }

  /// The page that says what a page is: it stands before those of which it does, five bytes for each.
  private func mapPage(of page: Int64) -> Int64 {
    let pages = Int64(usableSize / 5 + 1)
    let map = (page - 2) / pages * pages + 2
    // SQLite's locks lie there, and it leaves that page alone.
    return map == Int64(1 << 30) / Int64(pageSize) + 1 ? map + 1 : map
  }

  /// Whether a page of that type is the root of a table or an index, or any other page of one.
  private static func hasRows(_ type: UInt8) -> Bool { type == 1 || type == 5 }
}

extension Database {
  fileprivate func readFile(_ count: Int, at offset: Int64) throws(LedgerError) -> [UInt8] {
    var code = SQLITE_OK
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { bytes, initialized in
      code = csqlite_read_file(handle, bytes.baseAddress, Int32(count), offset)
      initialized = code == SQLITE_OK ? count : 0
    }
    guard code == SQLITE_OK else { throw fileError(code) }
    return bytes
  }

  fileprivate func zeroFile(_ count: Int, at offset: Int64) throws(LedgerError) {
    let code = csqlite_zero_file(handle, Int32(count), offset)
    guard code == SQLITE_OK else { throw fileError(code) }
  }

  fileprivate func syncFile() throws(LedgerError) {
    let code = csqlite_sync_file(handle)
    guard code == SQLITE_OK else { throw fileError(code) }
  }

  private func fileError(_ code: Int32) -> LedgerError {
    .database(message: String(cString: sqlite3_errstr(code)), code: code, path: path)
  }
}
