import Privacy

extension LedgerWriter {
  /// Erases an end user who may be known by a pseudonym, by the id itself from a time before there were pseudonyms, or by both.
  func forget(endUser id: String, alsoAs pseudonyms: Pseudonyms?) throws(LedgerError) -> Erasure {
    let erasure = try forget(endUser: id)
    guard let pseudonyms else { return erasure }
    // Last, since later spans come under this name.
    var whole = try forget(endUser: pseudonyms.pseudonym(of: id))
    whole += erasure
    return whole
  }
}
