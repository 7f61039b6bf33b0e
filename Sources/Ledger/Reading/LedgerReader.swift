package import Prices
package import Privacy

/// Reads a ledger's file, while a collector writes to it or when none does. Any number of threads may ask at a time.
package final class LedgerReader: Sendable {
  package struct Limits: Sendable {
    /// Connections, and so questions that are answered at a time.
    package var connections = 4
    /// How long a question waits for a connection.
    package var patience = Duration.seconds(5)
    /// How long an answer may take.
    package var time = Duration.seconds(10)

    package init() {}
  }

  let pool: ReaderPool
  let prices: PriceTable
  let pseudonyms: Pseudonyms?

  /// Opens the ledger.
  ///
  /// - Parameters:
  ///   - path: of its file.
  ///   - prices: what the costs of a trace's spans come from: those that the ledger was written with.
  ///   - pseudonyms: by which it knows users that are asked for by their ids; nil where it knows the ids.
  ///   - limits: on the questions.
  /// - Throws: LedgerError when the file is not there, or no ledger.
  package init(
    path: String, prices: PriceTable = .builtIn, pseudonyms: Pseudonyms? = nil, limits: Limits = Limits()
  ) throws(LedgerError) {
    self.pseudonyms = pseudonyms
    pool = try ReaderPool(path: path, limits: limits)
    self.prices = prices
  }

  // MARK: Users

  package func users(_ query: LedgerQuery) throws(LedgerQueryError) -> Page<ListedUser> {
    let question = try PageQuery(.users, nil, query)
    return try pool.read { database throws(LedgerError) in
      try question.page(in: database) { id throws(LedgerError) in try database.user(id) }
    }
  }

  /// A user, with the days between `since` and `until`; nil for one that the ledger doesn't know.
  package func user(
    _ endUser: String, since: Int64? = nil, until: Int64? = nil
  ) throws(LedgerQueryError) -> UserDetail? {
    try pool.read { database throws(LedgerError) in
      guard let id = try database.userID(endUser), let user = try database.user(id) else { return nil }
      return UserDetail(
        user: user, days: try Day.all(of: id, since: since, until: until, in: database),
        scoreDays: try ScoreDay.all(of: id, since: since, until: until, in: database))
    }
  }

  /// A user's sessions; nil for one that the ledger doesn't know.
  package func sessions(
    ofUser endUser: String, _ query: LedgerQuery
  ) throws(LedgerQueryError) -> Page<ListedSession>? {
    let question = try PageQuery(.sessions, ListShape.Scope("s.user", of: "users", named: endUser), query)
    return try pool.read { database throws(LedgerError) in
      guard try database.userID(endUser) != nil else { return nil }
      return try question.page(in: database) { id throws(LedgerError) in try database.session(id) }
    }
  }

  /// A user's traces; nil for one that the ledger doesn't know.
  package func traces(
    ofUser endUser: String, _ query: LedgerQuery
  ) throws(LedgerQueryError) -> Page<ListedTrace>? {
    let question = try PageQuery(.traces, ListShape.Scope("t.user", of: "users", named: endUser), query)
    return try pool.read { database throws(LedgerError) in
      guard try database.userID(endUser) != nil else { return nil }
      return try database.traces(question)
    }
  }

  // MARK: Sessions

  package func sessions(_ query: LedgerQuery) throws(LedgerQueryError) -> Page<ListedSession> {
    let question = try PageQuery(.sessions, nil, query)
    return try pool.read { database throws(LedgerError) in
      try question.page(in: database) { id throws(LedgerError) in try database.session(id) }
    }
  }

  /// A session with its traces, the earliest first when the query doesn't say otherwise; nil for one that the ledger
  /// doesn't know.
  package func session(_ name: String, turns query: LedgerQuery) throws(LedgerQueryError) -> SessionDetail? {
    var query = query
    query.sort = query.sort ?? "timestamp:asc"
    let question = try PageQuery(.traces, ListShape.Scope("t.session", of: "sessions", named: name), query)
    return try pool.read { database throws(LedgerError) in
      guard let id = try database.sessionID(name), let session = try database.session(id) else { return nil }
      return SessionDetail(session: session, turns: try database.traces(question))
    }
  }

  // MARK: Traces

  package func traces(_ query: LedgerQuery) throws(LedgerQueryError) -> Page<ListedTrace> {
    let question = try PageQuery(.traces, nil, query)
    return try pool.read { database throws(LedgerError) in try database.traces(question) }
  }
}
