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
    for text in [shape.tables, order] + conditions { fingerprint.add(text) }
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
    sql = """
      SELECT \(id), \(sort.key.expression), \(shape.columns) FROM \(shape.tables)\
      \(conditions.isEmpty ? "" : " WHERE ")\(conditions.joined(separator: " AND ")) ORDER BY \(order) LIMIT ?
      """
    // One more than is wanted tells whether there is another page.
    self.parameters = parameters + [.int(Int64(limit + 1))]
  }

  /// Reads the page, and the ids of its rows. `row` makes a row of the columns of the list's shape.
  func page<Row: Sendable>(
    in database: Database, _ row: (inout RowReader) -> Row
  ) throws(LedgerError) -> (page: Page<Row>, ids: [Int64]) {
    var rows: [Row] = []
    var ids: [Int64] = []
    var last = Cursor(value: .null, row: 0)
    var hasMore = false
    try database.forEach(sql, parameters) { statement throws(LedgerError) in
      guard rows.count < limit else {
        hasMore = true
        return
      }
      let id = statement.int(0)
      last = Cursor(value: statement.value(1), row: id)
      var reader = RowReader(statement, from: 2)
      rows.append(row(&reader))
      ids.append(id)
    }
    return (Page(rows: rows, nextCursor: hasMore ? last.text(of: fingerprint) : nil), ids)
  }
}
