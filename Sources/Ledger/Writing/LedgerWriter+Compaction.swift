/// What is free in the file goes back to the file system.
extension LedgerWriter {
  /// Bytes that must be free before it is worth it.
  static let leastFree: Int64 = 64 << 20

  /// Writes the file anew when more than half of it is free. What is less is used again by what comes: to give it back each
  /// time, pages would have to know who refers to them (`auto_vacuum`), which costs a write twice as much whenever pages share their rows.
  ///
  /// - Parameters:
  ///   - leastFree: bytes.
  ///   - isWanted: whether to go on; asked all the time.
  /// - Returns: the bytes that the file got smaller by; nil when it stays as it is.
  /// - Throws: LedgerError; the file is as it was.
  func compact(leastFree: Int64 = leastFree, while isWanted: () -> Bool) throws(LedgerError) -> Int64? {
    guard let free = try database.int("PRAGMA freelist_count"), let pages = try database.int("PRAGMA page_count"),
      let size = try database.int("PRAGMA page_size"), free * size >= leastFree, free > pages / 2
    else { return nil }
    // All that stays is written to a temporary file first.
    try database.execute("PRAGMA temp_store = FILE; PRAGMA auto_vacuum = NONE")
    defer { try? database.execute("PRAGMA temp_store = MEMORY") }
    try database.interruptible(while: isWanted) { () throws(LedgerError) in try database.execute("VACUUM") }
    try database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return (pages - (try database.int("PRAGMA page_count") ?? pages)) * size
  }
}
