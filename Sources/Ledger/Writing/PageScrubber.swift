import CSQLite
import Glibc

/// Overwrites what nobody uses of a file's pages. `secure_delete` leaves copies there: when SQLite moves rows from one page to
/// another, the first keeps their bytes between its list of rows and the rows that stay.
///
/// See https://www.sqlite.org/fileformat2.html#b_tree_pages.
struct PageScrubber {
  private let database: Database
  private let pageSize: Int
  private let pageCount: Int64
  /// Without what is reserved at a page's end.
  private let usableSize: Int
  /// Whether a page, counted from 0, is one of a table or an index, as no free page is, nor one that a long row overflows to.
  private var hasRows: [Bool]
  /// As many as a page has bytes.
  private let zeros: [UInt8]

  /// Finds out which pages have rows. The log must be empty, and the writers' lock be held.
  ///
  /// - Throws: LedgerError.
  init(_ database: Database) throws(LedgerError) {
    self.database = database
    let header = try database.readFile(100, at: 0)
    func number(_ offset: Int, _ size: Int) -> Int { header[offset..<offset + size].reduce(0) { $0 << 8 | Int($1) } }
    let size = number(16, 2)
    pageSize = size == 1 ? 65536 : size
    usableSize = pageSize - number(20, 1)
    pageCount = try database.int("PRAGMA page_count") ?? 0
    hasRows = Array(repeating: false, count: Int(pageCount))
    zeros = Array(repeating: 0, count: pageSize)
    var roots: [Int64] = []
    try database.forEach("SELECT rootpage FROM sqlite_schema WHERE rootpage > 1") { roots.append($0.int(0)) }
    for root in roots { try note(root, depth: depth(below: root)) }
  }

  /// How many levels of pages a tree has below its root: as many on every way down.
  private func depth(below root: Int64) throws(LedgerError) -> Int {
    var depth = 0
    var page = root
    while let first = try children(of: page).first {
      page = first
      depth += 1
    }
    return depth
  }

  /// Notes a page and all below it. Leaves, which are most, need not be read for that.
  private mutating func note(_ page: Int64, depth: Int) throws(LedgerError) {
    guard (1...pageCount).contains(page) else { return }
    hasRows[Int(page) - 1] = true
    guard depth > 0 else { return }
    for child in try children(of: page) { try note(child, depth: depth - 1) }
  }

  /// None of a leaf.
  private func children(of page: Int64) throws(LedgerError) -> [Int64] {
    let bytes = try database.readFile(pageSize, at: offset(of: page))
    guard Self.isInterior(bytes) else { return [] }
    func number(_ offset: Int, _ size: Int) -> Int64 {
      bytes[offset..<offset + size].reduce(0) { $0 << 8 | Int64($1) }
    }
    let rows = Int(number(3, 2))
    guard Self.interiorHeader + 2 * rows <= usableSize else { return [] }
    var children: [Int64] = []
    for row in 0..<rows {
      let start = Int(number(Self.interiorHeader + 2 * row, 2))
      if start + 4 <= usableSize { children.append(number(start, 4)) }
    }
    return children + [number(8, 4)]
  }

  /// Overwrites what is unused of some pages. The log must be empty, and the writers' lock be held since `init`. The first page has
  /// nothing but the names of tables.
  ///
  /// - Parameters:
  ///   - first: of the pages, 2 at least.
  ///   - count: of pages at most.
  /// - Returns: the page to go on with; nil at the end.
  /// - Throws: LedgerError.
  func scrub(from first: Int64, count: Int64) throws(LedgerError) -> Int64? {
    let end = min(first + count, pageCount + 1)
    var page = first
    while page < end {
      if hasRows[Int(page) - 1] { try scrub(page) }
      page += 1
    }
    try database.syncFile()
    return end <= pageCount ? end : nil
  }

  private func scrub(_ page: Int64) throws(LedgerError) {
    let bytes = try database.readFile(pageSize, at: offset(of: page))
    let isInterior = Self.isInterior(bytes)
    guard isInterior || bytes[0] == 10 || bytes[0] == 13 else { return }
    let rows = Int(bytes[3]) << 8 | Int(bytes[4])
    let start = Int(bytes[5]) << 8 | Int(bytes[6])
    let unused = ((isInterior ? Self.interiorHeader : 8) + 2 * rows, start == 0 ? 65536 : start)
    guard unused.0 < unused.1, unused.1 <= usableSize, !isZero(bytes, from: unused.0, to: unused.1) else { return }
    try database.zeroFile(unused.1 - unused.0, at: offset(of: page) + Int64(unused.0))
  }

  private func isZero(_ bytes: [UInt8], from start: Int, to end: Int) -> Bool {
    bytes.withUnsafeBytes { bytes in
      zeros.withUnsafeBytes { zeros in
        memcmp(bytes.baseAddress! + start, zeros.baseAddress!, end - start) == 0
      }
    }
  }

  private func offset(of page: Int64) -> Int64 { (page - 1) * Int64(pageSize) }

  /// Bytes before an interior page's list of rows.
  private static let interiorHeader = 12

  private static func isInterior(_ page: [UInt8]) -> Bool { page[0] == 2 || page[0] == 5 }
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
