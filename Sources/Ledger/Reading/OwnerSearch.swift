/// Finds the users or sessions of a page by way of their ids: which of them have a label, metadata or a score is known without
/// looking at their rows. So are traces found by their scores.
struct OwnerSearch: Sendable {
  let narrowing: Narrowing
  /// The table of blocks.
  let table: String
  /// Selects the ids of all rows in the order of the list, from the page on; nil where no index has that order.
  let walk: (sql: String, parameters: [SQLValue])?

  /// Rows that are looked up one by one at most.
  var mostCandidates = 20_000

  /// - Parameters:
  ///   - database: to be asked.
  ///   - limit: rows that are wanted.
  ///   - look: finds, of rows that may be on the page, those that are, in the order of the list.
  /// - Returns: the rows in the order of the list; nil when there are too many that may be on the page.
  /// - Throws: LedgerError.
  func page(
    in database: Database, limit: Int, _ look: (_ candidates: [Int64]) throws(LedgerError) -> [Cursor]
  ) throws(LedgerError) -> [Cursor]? {
    let rows = try rows(narrowing, database)
    if rows.isEmpty { return [] }
    if rows.count <= mostCandidates / 4 { return try look(rows.numbers) }
    guard let walk else { return rows.count <= mostCandidates ? try look(rows.numbers) : nil }

    // A statement of its own: `look` may take others.
    let statement = try database.prepare(walk.sql)
    statement.bind(walk.parameters)
    var found: [Cursor] = []
    var looked = 0
    var goal = limit
    while true {
      let candidates = try next(goal, of: statement, in: rows)
      found += try look(candidates)
      looked += candidates.count
      if found.count >= limit || candidates.count < goal { return Array(found.prefix(limit)) }
      if looked > mostCandidates { return nil }
      goal *= 4
    }
  }

  /// The next few rows of the walk that are wanted.
  private func next(_ count: Int, of walk: Statement, in rows: NumberSet) throws(LedgerError) -> [Int64] {
    var candidates: [Int64] = []
    var failure: LedgerError?
    rows.withMembership { isMember in
      do throws(LedgerError) {
        while candidates.count < count, try walk.step() {
          let id = walk.int(0)
          if isMember(id) { candidates.append(id) }
        }
      } catch { failure = error }
    }
    if let failure { throw failure }
    return candidates
  }

  private func rows(_ narrowing: Narrowing, _ database: Database) throws(LedgerError) -> NumberSet {
    switch narrowing {
    case .rows(let sql, let parameters):
      // Without a walk, more than can be looked up are too many.
      let enough = walk == nil ? " LIMIT \(mostCandidates + 1)" : ""
      return try database.numbers(sql + enough, parameters)
    case .numbers:
      let sieve = try RowSieve(narrowing, database)
      if sieve.isEmpty { return NumberSet() }
      var rows: [Int64] = []
      try database.forEach("SELECT id, columns FROM \(table)") { block in
        let first = block.int(0) * Int64(RowBlock.size)
        block.withBytes(1) { bytes in sieve.rows(of: bytes).forEach { rows.append(first + Int64($0)) } }
      }
      return NumberSet(rows)
    case .all(let parts):
      var all: NumberSet?
      for part in parts {
        if all?.isEmpty == true { break }
        let rows = try rows(part, database)
        all = all?.intersection(rows) ?? rows
      }
      return all ?? NumberSet()
    case .any(let parts):
      var any: [Int64] = []
      for part in parts { any += try rows(part, database).numbers }
      return NumberSet(any)
    }
  }
}
