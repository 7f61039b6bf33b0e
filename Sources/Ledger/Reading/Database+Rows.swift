/// Rows of the lists by their ids, as the lists show them.
extension Database {
  /// The row of an end user, but not that of everybody.
  func userID(_ endUser: String) throws(LedgerError) -> Int64? {
    try int("SELECT id FROM users WHERE name = ? AND id > 0 AND traces > 0", [.text(endUser)])
  }

  func sessionID(_ name: String) throws(LedgerError) -> Int64? {
    try int("SELECT id FROM sessions WHERE name = ? AND traces > 0", [.text(name)])
  }

  func user(_ id: Int64) throws(LedgerError) -> ListedUser? {
    var user = try row(.users, id) { $0.user() }
    user?.summary.labels = try LabelNames.of(.user, id, in: self)
    user?.scores = try ScoreSummary.all(of: .user, id, in: self)
    return user
  }

  func session(_ id: Int64) throws(LedgerError) -> ListedSession? {
    var session = try row(.sessions, id) { $0.session() }
    session?.summary.labels = try LabelNames.of(.session, id, in: self)
    session?.scores = try ScoreSummary.all(of: .session, id, in: self)
    return session
  }

  func trace(_ id: Int64, _ names: inout NameCache) throws(LedgerError) -> ListedTrace? {
    guard var found = try row(.traces, id, { $0.trace() }) else { return nil }
    try names.fill(&found.row, found.labels, self)
    found.row.scores = try ScoreSummary.all(of: .trace, id, in: self)
    return found.row
  }

  func traces(_ question: PageQuery) throws(LedgerError) -> Page<ListedTrace> {
    var names = NameCache()
    return try question.page(in: self) { id throws(LedgerError) in try trace(id, &names) }
  }

  func score(_ id: Int64) throws(LedgerError) -> ListedScore? { try row(.scores, id) { $0.score() } }

  private func row<Row>(
    _ shape: ListShape, _ id: Int64, _ read: (inout RowReader) -> Row
  ) throws(LedgerError) -> Row? {
    var found: Row?
    try forEach(shape.row, [.int(id)]) { statement in
      var columns = RowReader(statement)
      found = read(&columns)
    }
    return found
  }
}
