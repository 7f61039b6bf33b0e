/// Finds the traces of a page by way of the blocks that can have them, where a filter asks for what only few may have.
struct BlockSearch: Sendable {
  let narrowing: Narrowing
  /// Whether the list begins with the latest; nil where its order is not that of time.
  let isLatestFirst: Bool?
  /// When traces may begin, in nanoseconds since the Unix epoch.
  let bounds: ClosedRange<Int64>

  /// Rows that are looked up one by one at most. There are enough of what has more to be found on the way through an index.
  var mostCandidates = 20_000

  private struct Block {
    let id: Int64
    let earliest: Int64
    let latest: Int64
  }

  /// - Parameters:
  ///   - database: to be asked.
  ///   - limit: rows that are wanted.
  ///   - look: finds, of rows that may be on the page, those that are, in the order of the list.
  /// - Returns: the rows in the order of the list; nil when there are too many that may be on the page.
  /// - Throws: LedgerError.
  func page(
    in database: Database, limit: Int, _ look: (_ candidates: [Int64]) throws(LedgerError) -> [Cursor]
  ) throws(LedgerError) -> [Cursor]? {
    let sieve = try RowSieve(narrowing, database)
    if sieve.isEmpty { return [] }
    var found: [Cursor] = []
    var candidates: [Int64] = []
    var looked = 0
    var goal = limit
    let blocks = try blocks(database)
    for (place, block) in blocks.enumerated() {
      try append(block, sieve, to: &candidates, database)
      guard looked + candidates.count <= mostCandidates else { return nil }
      let next = place + 1 < blocks.count ? blocks[place + 1] : nil
      guard next == nil || isLatestFirst != nil && candidates.count >= goal else { continue }
      found = merge(found, try look(candidates), limit)
      looked += candidates.count
      candidates = []
      goal *= 4
      if let next, found.count == limit, let last = found.last, isAhead(last, of: next) { break }
    }
    return found
  }

  private func blocks(_ database: Database) throws(LedgerError) -> [Block] {
    var blocks: [Block] = []
    try database.forEach("SELECT id, earliest, latest FROM trace_blocks ORDER BY id DESC") { row in
      let block = Block(
        id: row.int(0), earliest: row.optionalInt(1) ?? .min, latest: row.optionalInt(2) ?? .max)
      if block.latest >= bounds.lowerBound, block.earliest <= bounds.upperBound { blocks.append(block) }
    }
    switch isLatestFirst {
    case true?: blocks.sort { $0.latest > $1.latest }
    case false?: blocks.sort { $0.earliest < $1.earliest }
    case nil: break
    }
    return blocks
  }

  private func append(
    _ block: Block, _ sieve: RowSieve, to candidates: inout [Int64], _ database: Database
  ) throws(LedgerError) {
    let statement = try database.statement("SELECT columns FROM trace_blocks WHERE id = ?")
    defer { statement.reset() }
    statement.bind(1, block.id)
    guard try statement.step() else { return }
    statement.withBytes(0) { bytes in
      sieve.rows(of: bytes).forEach { candidates.append(block.id * Int64(RowBlock.size) + Int64($0)) }
    }
  }

  /// Whether a row comes before every row of a block, and of those behind it.
  private func isAhead(_ row: Cursor, of block: Block) -> Bool {
    guard let isLatestFirst else { return false }
    return isLatestFirst ? row.start > block.latest : row.start < block.earliest
  }

  /// The first rows of both, in the order of time.
  private func merge(_ one: [Cursor], _ other: [Cursor], _ limit: Int) -> [Cursor] {
    guard !one.isEmpty, let isLatestFirst else { return other }
    let sorted = (one + other).sorted { one, other in
      let isEarlier = (one.start, one.row) < (other.start, other.row)
      return isEarlier != isLatestFirst
    }
    return Array(sorted.prefix(limit))
  }
}

extension Cursor {
  /// Of a list in the order of time.
  fileprivate var start: Int64 { if case .int(let start) = value { start } else { 0 } }
}
