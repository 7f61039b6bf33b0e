/// What is left of erased rows in pages that others have rows in.
extension LedgerWriter {
  /// Pages that are looked at while others can't write.
  private static let slice: Int64 = 16_384
  /// What of `properties` says with which page to go on; there is none when nothing is left.
  private static let place = "scrub_from"

  /// Notes, in a transaction that erases somebody, that something will be left.
  func noteResidue() throws(LedgerError) {
    try database.run("INSERT OR REPLACE INTO properties (key, value) VALUES (?1, 2)", [.text(Self.place)])
    hasResidue = true
  }

  func findResidue() throws(LedgerError) {
    hasResidue = try database.int("SELECT value FROM properties WHERE key = ?1", [.text(Self.place)]) != nil
  }

  /// Empties the log, and overwrites what is left.
  ///
  /// - Returns: false when a reader or another writer stands in the way: the rest is done later.
  func scrub() throws(LedgerError) -> Bool {
    repeat {
      guard try database.int("PRAGMA wal_checkpoint(TRUNCATE)") == 0 else { return false }
      guard hasResidue else { return true }
      var isEmptied = true
      try database.transaction { () throws(LedgerError) in
        // Somebody may have written before this had the lock.
        guard logSize == 0 else {
          isEmptied = false
          return
        }
        try scrubSlice()
      }
      try findResidue()
      // Its copies of these pages are as they were.
      try database.execute("PRAGMA shrink_memory")
      guard isEmptied else { return false }
    } while true
  }

  /// What it writes has other writers read all pages anew, too.
  private func scrubSlice() throws(LedgerError) {
    let place = SQLValue.text(Self.place)
    let first = try database.int("SELECT value FROM properties WHERE key = ?1", [place])
    if let first, let next = try PageScrubber(database).scrub(from: max(first, 2), count: Self.slice) {
      try database.run("UPDATE properties SET value = ?2 WHERE key = ?1", [place, .int(next)])
    } else {
      try database.run("DELETE FROM properties WHERE key = ?1", [place])
    }
  }
}
