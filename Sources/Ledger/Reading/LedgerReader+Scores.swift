extension LedgerReader {
  package func scores(_ query: LedgerQuery) throws(LedgerQueryError) -> Page<ListedScore> {
    let question = try PageQuery(.scores, nil, query)
    return try pool.read { database throws(LedgerError) in try Self.scores(question, database) }
  }

  /// A user's scores; nil for one that the ledger doesn't know.
  package func scores(ofUser endUser: String, _ query: LedgerQuery) throws(LedgerQueryError) -> Page<ListedScore>? {
    let question = try PageQuery(.scores, ListShape.Scope("sc.user", of: "users", named: endUser), query)
    return try pool.read { database throws(LedgerError) in
      guard try database.userID(endUser) != nil else { return nil }
      return try Self.scores(question, database)
    }
  }

  /// A session's scores, its traces' included; nil for one that the ledger doesn't know.
  package func scores(ofSession name: String, _ query: LedgerQuery) throws(LedgerQueryError) -> Page<ListedScore>? {
    let question = try PageQuery(.scores, ListShape.Scope("sc.session", of: "sessions", named: name), query)
    return try pool.read { database throws(LedgerError) in
      guard try database.sessionID(name) != nil else { return nil }
      return try Self.scores(question, database)
    }
  }

  /// A trace's scores, its spans' included; nil for one that the ledger doesn't know.
  ///
  /// - Parameters:
  ///   - trace: its id, or the first digits of it, as for `trace`.
  ///   - query: which of them.
  /// - Returns: a page, or nil.
  /// - Throws: LedgerQueryError, also when several traces' ids begin so.
  package func scores(ofTrace trace: String, _ query: LedgerQuery) throws(LedgerQueryError) -> Page<ListedScore>? {
    guard let range = TraceIDRange(trace) else { return nil }
    let found = try pool.read { database throws(LedgerError) in try range.traces(in: database).map(\.id) }
    guard found.count < 2 else { throw Self.ambiguous(trace, found) }
    guard let id = found.first.flatMap({ Hexadecimal.bytes($0, count: 16) }) else { return nil }
    let question = try PageQuery(.scores, ListShape.Scope("sc.trace", ofTrace: id), query)
    return try pool.read { database throws(LedgerError) in try Self.scores(question, database) }
  }

  private static func scores(
    _ question: PageQuery, _ database: Database
  ) throws(LedgerError) -> Page<ListedScore> {
    try question.page(in: database) { id throws(LedgerError) in try database.score(id) }
  }
}
