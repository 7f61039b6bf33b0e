import Privacy

extension LedgerReader {
  /// The name by which the ledger knows an end user: what it was asked for, if it knows that, else the pseudonym of that.
  func name(of endUser: String) throws(LedgerQueryError) -> String {
    guard let pseudonyms else { return endUser }
    let isKnown = try pool.read { database throws(LedgerError) in try database.userID(endUser) != nil }
    return isKnown ? endUser : pseudonyms.pseudonym(of: endUser)
  }
}
