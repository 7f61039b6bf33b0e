package import Prices

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
  private let prices: PriceTable

  /// Opens the ledger.
  ///
  /// - Parameters:
  ///   - path: of its file.
  ///   - prices: what the costs of a trace's spans come from: those that the ledger was written with.
  ///   - limits: on the questions.
  /// - Throws: LedgerError when the file is not there, or no ledger.
  package init(
    path: String, prices: PriceTable = .builtIn, limits: Limits = Limits()
  ) throws(LedgerError) {
    pool = try ReaderPool(path: path, limits: limits)
    self.prices = prices
  }

  // MARK: Users

  package func users(_ query: LedgerQuery) throws(LedgerQueryError) -> Page<ListedUser> {
    let question = try PageQuery(.users, nil, query)
    return try pool.read { database throws(LedgerError) in try Self.users(question, database) }
  }

  static func users(_ question: PageQuery, _ database: Database) throws(LedgerError) -> Page<ListedUser> {
    var (page, ids) = try question.page(in: database) { columns in columns.user() }
    for (place, id) in ids.enumerated() {
      page.rows[place].summary.labels = try LabelNames.of(.user, id, in: database)
    }
    return page
  }

  /// A user, with the days between `since` and `until`; nil for one that the ledger doesn't know.
  package func user(
    _ endUser: String, since: Int64? = nil, until: Int64? = nil
  ) throws(LedgerQueryError) -> UserDetail? {
    try pool.read { database throws(LedgerError) in
      guard let id = try Self.userID(endUser, database), let user = try Self.user(id, database) else { return nil }
      return UserDetail(user: user, days: try Day.all(of: id, since: since, until: until, in: database))
    }
  }

  static func user(_ id: Int64, _ database: Database) throws(LedgerError) -> ListedUser? {
    var user: ListedUser?
    try database.forEach(ListShape.users.one(where: "u.id"), [.int(id)]) { row in
      var columns = RowReader(row, from: 2)
      user = columns.user()
    }
    user?.summary.labels = try LabelNames.of(.user, id, in: database)
    return user
  }

  /// The row of an end user, but not that of everybody.
  private static func userID(_ endUser: String, _ database: Database) throws(LedgerError) -> Int64? {
    try database.int("SELECT id FROM users WHERE name = ? AND id > 0 AND traces > 0", [.text(endUser)])
  }

  /// A user's sessions; nil for one that the ledger doesn't know.
  package func sessions(
    ofUser endUser: String, _ query: LedgerQuery
  ) throws(LedgerQueryError) -> Page<ListedSession>? {
    // The row is found in the same transaction, the condition is the same for all: cursors know the user by his name.
    let scope = ListShape.Scope(condition: "s.user = (SELECT id FROM users WHERE name = ?)", value: .text(endUser))
    let question = try PageQuery(.sessions, scope, query)
    return try pool.read { database throws(LedgerError) in
      guard try Self.userID(endUser, database) != nil else { return nil }
      return try Self.sessions(question, database)
    }
  }

  /// A user's traces; nil for one that the ledger doesn't know.
  package func traces(
    ofUser endUser: String, _ query: LedgerQuery
  ) throws(LedgerQueryError) -> Page<ListedTrace>? {
    let scope = ListShape.Scope(condition: "t.user = (SELECT id FROM users WHERE name = ?)", value: .text(endUser))
    let question = try PageQuery(.traces, scope, query)
    return try pool.read { database throws(LedgerError) in
      guard try Self.userID(endUser, database) != nil else { return nil }
      return try Self.traces(question, database)
    }
  }

  // MARK: Sessions

  package func sessions(_ query: LedgerQuery) throws(LedgerQueryError) -> Page<ListedSession> {
    let question = try PageQuery(.sessions, nil, query)
    return try pool.read { database throws(LedgerError) in try Self.sessions(question, database) }
  }

  private static func sessions(
    _ question: PageQuery, _ database: Database
  ) throws(LedgerError) -> Page<ListedSession> {
    var (page, ids) = try question.page(in: database) { columns in columns.session() }
    for (place, id) in ids.enumerated() {
      page.rows[place].summary.labels = try LabelNames.of(.session, id, in: database)
    }
    return page
  }

  /// A session with its traces, the earliest first when the query doesn't say otherwise; nil for one that the ledger
  /// doesn't know.
  package func session(_ name: String, turns query: LedgerQuery) throws(LedgerQueryError) -> SessionDetail? {
    var query = query
    query.sort = query.sort ?? "timestamp:asc"
    let scope = ListShape.Scope(condition: "t.session = (SELECT id FROM sessions WHERE name = ?)", value: .text(name))
    let question = try PageQuery(.traces, scope, query)
    return try pool.read { database throws(LedgerError) in
      var found: (id: Int64, session: ListedSession)?
      try database.forEach(ListShape.sessions.one(where: "s.name"), [.text(name)]) { row in
        var columns = RowReader(row, from: 2)
        found = (row.int(0), columns.session())
      }
      guard var found else { return nil }
      found.session.summary.labels = try LabelNames.of(.session, found.id, in: database)
      return SessionDetail(session: found.session, turns: try Self.traces(question, database))
    }
  }

  // MARK: Traces

  package func traces(_ query: LedgerQuery) throws(LedgerQueryError) -> Page<ListedTrace> {
    let question = try PageQuery(.traces, nil, query)
    return try pool.read { database throws(LedgerError) in try Self.traces(question, database) }
  }

  private static func traces(_ question: PageQuery, _ database: Database) throws(LedgerError) -> Page<ListedTrace> {
    var labels: [[Label]] = []
    var (page, _) = try question.page(in: database) { columns in
      let (row, found) = columns.trace()
      labels.append(found)
      return row
    }
    var names = NameCache()
    for (place, found) in labels.enumerated() { try names.fill(&page.rows[place], found, database) }
    return page
  }

  /// A trace with its spans, by its id of 32 hexadecimal digits; nil for one that the ledger doesn't know.
  package func trace(_ trace: String) throws(LedgerQueryError) -> TraceDetail? {
    guard let key = Hexadecimal.bytes(trace, count: 16) else { return nil }
    return try pool.read { database throws(LedgerError) in
      var found: (id: Int64, row: ListedTrace, labels: [Label])?
      try database.forEach(ListShape.traces.one(where: "t.trace"), [.blob(key)]) { row in
        var columns = RowReader(row, from: 2)
        let (trace, labels) = columns.trace()
        found = (row.int(0), trace, labels)
      }
      guard var found else { return nil }
      var names = NameCache()
      try names.fill(&found.row, found.labels, database)
      let records = try Trees.records(of: found.id, in: database)
      return TraceDetail(
        trace: found.row, spans: SpanNode.forest(of: records, prices: prices),
        omitted: try database.int("SELECT omitted FROM traces WHERE id = ?", [.int(found.id)]) ?? 0)
    }
  }
}
