import Filters

/// The statement of one page.
struct PageQuery {
  /// Finds the page among all rows.
  let sql: String
  let parameters: [SQLValue]
  /// Finds it among rows whose ids are the first parameter, as a JSON array.
  private let sqlOfCandidates: String
  /// Where blocks may tell which rows to look at.
  let search: BlockSearch?
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
    var conditions = shape.condition.isEmpty ? [] : [shape.condition]
    var parameters: [SQLValue] = []
    if let scope {
      conditions.append(scope.condition)
      parameters.append(scope.value)
    }
    if let filter = query.filter {
      let compiled: FilterSQL
      do { compiled = try FilterSQL(filter, view: shape.view) } catch { throw .filter(error) }
      conditions.append("(\(compiled.sql))")
      parameters += compiled.parameters
    }
    if let since = query.since {
      conditions.append(shape.since)
      parameters.append(.int(since))
    }
    if let until = query.until {
      conditions.append(shape.until)
      parameters.append(.int(until))
    }

    let order = sort.orderBy(id: id)
    var fingerprint = Fingerprint()
    for text in [shape.table, order] + conditions { fingerprint.add(text) }
    for parameter in parameters { fingerprint.add(parameter) }
    self.fingerprint = fingerprint.value

    var cursor: Cursor?
    if let text = query.cursor {
      cursor = Cursor(text, of: fingerprint.value)
      guard let cursor, sort.key.admits(cursor.value) else {
        throw .invalid(
          "cursor: it is none of this query's; a cursor goes with the filter, sort, since and until that it came with")
      }
      let behind = sort.behind(cursor, id: id)
      conditions.append(behind.sql)
      parameters += behind.parameters
    }
    // Only what it takes to find the page: what rows are made of is looked up for those that are on it, not for all that
    // are sorted.
    func select(from table: String) -> String {
      """
      SELECT \(id), \(sort.key.expression) FROM \(table)\
      \(conditions.isEmpty ? "" : " WHERE ")\(conditions.joined(separator: " AND ")) ORDER BY \(order) LIMIT ?
      """
    }
    sql = select(from: shape.table)
    // The cross join keeps SQLite from beginning with another table.
    sqlOfCandidates = select(from: "json_each(?) c CROSS JOIN \(shape.table) ON \(id) = c.value")
    // One more than is wanted tells whether there is another page.
    self.parameters = parameters + [.int(Int64(limit + 1))]
    search = scope == nil ? Self.search(shape, query, sort, cursor) : nil
  }

  private static func search(
    _ shape: ListShape, _ query: LedgerQuery, _ sort: ListSort, _ cursor: Cursor?
  ) -> BlockSearch? {
    guard let filter = query.filter, let narrowing = Narrowing(filter.condition, view: shape.view) else { return nil }
    var bounds = (from: Int64.min, to: Int64.max)
    var isLatestFirst: Bool?
    if shape.view == .traces {
      bounds = (query.since ?? .min, query.until ?? .max)
      if sort.key.name == shape.sortKeys[0].name {
        isLatestFirst = sort.isDescending
        if case .int(let start)? = cursor?.value {
          if sort.isDescending { bounds.to = min(bounds.to, start) } else { bounds.from = max(bounds.from, start) }
        }
      }
    }
    return BlockSearch(
      narrowing: narrowing, table: shape.blocks, isLatestFirst: isLatestFirst,
      bounds: bounds.from...max(bounds.from, bounds.to))
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

  /// nil where blocks say too little: then an index leads there, or a look at every row.
  private func narrowed(_ database: Database) throws(LedgerError) -> [Cursor]? {
    guard let search else { return nil }
    return try search.page(in: database, limit: limit + 1) { (candidates) throws(LedgerError) -> [Cursor] in
      let ids = SQLValue.text("[\(candidates.map(String.init).joined(separator: ","))]")
      return try Self.cursors(sqlOfCandidates, [ids] + parameters, database)
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
