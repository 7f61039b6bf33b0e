import JSON

extension Answer {
  /// The whole ledger at a glance.
  func overview() throws {
    let bytes = try source.get(bounded(LedgerRequest("overview")))
    if command.form == .json { return try write(json: bytes) }
  }
}
