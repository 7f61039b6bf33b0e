import Filters

/// The statement of one page.
struct PageQuery {
  /// Finds the page among all rows.
  let sql: String
  let parameters: [SQLValue]
  /// Where it is known which rows to look at: how these are found, and the statement that finds the page among them, whose
  /// ids are its first parameter, as a JSON array.
  let search: Search?
  private var sqlOfCandidates = ""
  private var parametersOfCandidates: [SQLValue] = []
  private let limit: Int
  private let fingerprint: UInt64

  /// - Throws: LedgerQueryError when something in the query means nothing in this list.
  init(_ shape: ListShape, _ scope: ListShape.Scope? = nil, _ query: LedgerQuery) throws(LedgerQueryError) {
    guard 1...LedgerQuery.maxLimit ~= query.limit else {
      throw .invalid("limit: a whole number from 1 to \(LedgerQuery.maxLimit), not \(query.limit)")
    }
    limit = query.limit
    let sort = try ListSort(query.sort, of: shape.sortKeys)
    let id = "\(shape.alias).id"
    var conditions = Conditions(shape, scope)
    let bare = conditions
    if let filter = query.filter {
      do { conditions.add(try FilterSQL(filter, view: shape.view)) } catch { throw .filter(error) }
    }
    conditions.add(query, of: shape)

    let order = sort.orderBy(id: id)
    var fingerprint = Fingerprint()
    for text in [shape.table, order] + conditions.sql { fingerprint.add(text) }
    for parameter in conditions.parameters { fingerprint.add(parameter) }
    self.fingerprint = fingerprint.value

    var cursor: Cursor?
    if let text = query.cursor {
      cursor = Cursor(text, of: fingerprint.value)
      guard let cursor, sort.key.admits(cursor.value) else {
        throw .invalid(
          "cursor: it is none of this query's; a cursor goes with the filter, sort, since and until that it came with")
      }
    }
    let behind = cursor.map { sort.behind($0, id: id) }
    let wanted = SQLValue.int(Int64(query.limit + 1))
    // Only what it takes to find the page: what rows are made of is looked up for those that are on it, not for all that
    // are sorted. One more than is wanted tells whether there is another page.
    func select(from table: String, _ conditions: Conditions) -> (sql: String, parameters: [SQLValue]) {
      var conditions = conditions
      if let behind { conditions.add(behind.sql, behind.parameters) }
      let sql = "SELECT \(id), \(sort.key.expression) FROM \(table)\(conditions.clause) ORDER BY \(order) LIMIT ?"
      return (sql, conditions.parameters + [wanted])
    }
    (sql, parameters) = select(from: shape.table, conditions)

    guard scope == nil, let filter = query.filter,
      let (narrowing, rest) = Narrowing.split(filter.condition, view: shape.view)
    else {
      search = nil
      return
    }
    search = Search(narrowing, shape, query, sort, cursor)
    var ofCandidates = bare
    if let rest {
      do { ofCandidates.add(try FilterSQL(rest, of: filter, view: shape.view)) } catch { throw .filter(error) }
    }
    ofCandidates.add(query, of: shape)
    // The cross join keeps SQLite from beginning with another table.
    (sqlOfCandidates, parametersOfCandidates) = select(
      from: "json_each(?) c CROSS JOIN \(shape.table) ON \(id) = c.value", ofCandidates)
  }

  /// Finds the page; `row` reads a row by its id.
  func page<Row: Sendable>(
    in database: Database, _ row: (Int64) throws(LedgerError) -> Row?
  ) throws(LedgerError) -> Page<Row> {
    var found: [Cursor]
    if let few = try narrowed(database) { found = few } else { found = try Self.cursors(sql, parameters, database) }
    let hasMore = found.count > limit
    if hasMore { found.removeLast() }
    var rows: [Row] = []
    rows.reserveCapacity(found.count)
    for place in found { if let row = try row(place.row) { rows.append(row) } }
    return Page(rows: rows, nextCursor: hasMore ? found.last?.text(of: fingerprint) : nil)
  }

  /// nil where too little is known beforehand: then an index leads there, or a look at every row.
  private func narrowed(_ database: Database) throws(LedgerError) -> [Cursor]? {
    guard let search else { return nil }
    return try search.page(in: database, limit: limit + 1) { (candidates) throws(LedgerError) -> [Cursor] in
      let ids = SQLValue.text("[\(candidates.map(String.init).joined(separator: ","))]")
      return try Self.cursors(sqlOfCandidates, [ids] + parametersOfCandidates, database)
    }
  }

  private static func cursors(
    _ sql: String, _ parameters: [SQLValue], _ database: Database
  ) throws(LedgerError) -> [Cursor] {
    var found: [Cursor] = []
    try database.forEach(sql, parameters) { found.append(Cursor(value: $0.value(1), row: $0.int(0))) }
    return found
  }
}

extension PageQuery {
  /// How the rows are found that a page may have.
  enum Search {
    case blocks(BlockSearch)
    case owners(OwnerSearch)

    fileprivate init(
      _ narrowing: Narrowing, _ shape: ListShape, _ query: LedgerQuery, _ sort: ListSort, _ cursor: Cursor?
    ) {
      let isInTime = sort.key.name == shape.sortKeys[0].name
      self =
        shape.view == .traces && narrowing.isOfBlocks
        ? .blocks(Self.blocks(narrowing, query, isLatestFirst: isInTime ? sort.isDescending : nil, cursor))
        : .owners(
          OwnerSearch(
            narrowing: narrowing, table: shape.blocks,
            walk: isInTime && shape.view != .traces ? Self.walk(shape, query, sort, cursor) : nil))
    }

    private static func blocks(
      _ narrowing: Narrowing, _ query: LedgerQuery, isLatestFirst: Bool?, _ cursor: Cursor?
    ) -> BlockSearch {
      var (from, to) = (query.since ?? .min, query.until ?? .max)
      if let isLatestFirst, case .int(let start)? = cursor?.value {
        if isLatestFirst { to = min(to, start) } else { from = max(from, start) }
      }
      return BlockSearch(narrowing: narrowing, isLatestFirst: isLatestFirst, bounds: from...max(from, to))
    }

    /// Users and sessions in the order of their last events.
    private static func walk(
      _ shape: ListShape, _ query: LedgerQuery, _ sort: ListSort, _ cursor: Cursor?
    ) -> (sql: String, parameters: [SQLValue]) {
      let id = "\(shape.alias).id"
      var conditions = Conditions()
      if let since = query.since { conditions.add(shape.since, [.int(since)]) }
      if let cursor {
        let behind = sort.behind(cursor, id: id)
        conditions.add(behind.sql, behind.parameters)
      }
      return (
        "SELECT \(id) FROM \(shape.table)\(conditions.clause) ORDER BY \(sort.orderBy(id: id))", conditions.parameters
      )
    }

    func page(
      in database: Database, limit: Int, _ look: (_ candidates: [Int64]) throws(LedgerError) -> [Cursor]
    ) throws(LedgerError) -> [Cursor]? {
      switch self {
      case .blocks(let search): try search.page(in: database, limit: limit, look)
      case .owners(let search): try search.page(in: database, limit: limit, look)
      }
    }
  }

  /// What must be true of each row, with the parameters in their order.
  struct Conditions {
    private(set) var sql: [String] = []
    private(set) var parameters: [SQLValue] = []

    init() {}

    fileprivate init(_ shape: ListShape, _ scope: ListShape.Scope?) {
      if !shape.condition.isEmpty { add(shape.condition, []) }
      if let scope { add(scope.condition, [scope.value]) }
    }

    mutating func add(_ sql: String, _ parameters: [SQLValue]) {
      self.sql.append(sql)
      self.parameters += parameters
    }

    fileprivate mutating func add(_ filter: FilterSQL) { add("(\(filter.sql))", filter.parameters) }

    fileprivate mutating func add(_ query: LedgerQuery, of shape: ListShape) {
      if let since = query.since { add(shape.since, [.int(since)]) }
      if let until = query.until { add(shape.until, [.int(until)]) }
    }

    var clause: String { sql.isEmpty ? "" : " WHERE " + sql.joined(separator: " AND ") }
  }
}
