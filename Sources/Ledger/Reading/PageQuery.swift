/// The statement of one page.
struct PageQuery {
  let sql: String
  let parameters: [SQLValue]
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

    if let text = query.cursor {
      guard let cursor = Cursor(text, of: fingerprint.value), sort.key.admits(cursor.value) else {
        throw .invalid(
          "cursor: it is none of this query's; a cursor goes with the filter, sort, since and until that it came with")
      }
      let behind = sort.behind(cursor, id: id)
      conditions.append(behind.sql)
      parameters += behind.parameters
    }
    // Only what it takes to find the page: what rows are made of is looked up for those that are on it, not for all that
    // are sorted.
    sql = """
      SELECT \(id), \(sort.key.expression) FROM \(shape.table)\
      \(conditions.isEmpty ? "" : " WHERE ")\(conditions.joined(separator: " AND ")) ORDER BY \(order) LIMIT ?
      """
    // One more than is wanted tells whether there is another page.
    self.parameters = parameters + [.int(Int64(limit + 1))]
  }

  /// Finds the page; `row` reads a row by its id.
  func page<Row: Sendable>(
    in database: Database, _ row: (Int64) throws(LedgerError) -> Row?
  ) throws(LedgerError) -> Page<Row> {
    var found: [Cursor] = []
    try database.forEach(sql, parameters) { found.append(Cursor(value: $0.value(1), row: $0.int(0))) }
    let hasMore = found.count > limit
    if hasMore { found.removeLast() }
    var rows: [Row] = []
    rows.reserveCapacity(found.count)
    for place in found { if let row = try row(place.row) { rows.append(row) } }
    return Page(rows: rows, nextCursor: hasMore ? found.last?.text(of: fingerprint) : nil)
  }
}
