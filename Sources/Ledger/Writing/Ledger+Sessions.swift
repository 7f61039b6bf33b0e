/// For those who tell others of sessions.
extension Ledger {
  /// Others have been told of these changes, and are not told again, in the next run neither. Waits until the file has it.
  ///
  /// - Parameter changes: as `LedgerReader.sessionChanges` gave them.
  /// - Throws: LedgerError, also when the ledger stops.
  package func settle(_ changes: [SessionChange.Mark]) throws(LedgerError) {
    guard !changes.isEmpty else { return }
    try ask { (writer) throws(LedgerError) in try writer.settle(changes) }
  }

  /// Waits until what has been handed to the ledger is in the file, as far as one transaction takes it.
  ///
  /// - Throws: LedgerError, also when the ledger stops.
  package func catchUp() throws(LedgerError) {
    try ask { _ in }
  }
}

extension LedgerWriter {
  func settle(_ changes: [SessionChange.Mark]) throws(LedgerError) {
    guard let openSessions else { return }
    _ = try transaction { () throws(LedgerError) in try openSessions.settle(changes) }
  }
}
