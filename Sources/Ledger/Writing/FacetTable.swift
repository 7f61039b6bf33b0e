/// The rows of `facets`: which users and sessions have traces with a label. A transaction's are written in their order, so that one
/// lands beside the other, and several with each statement.
final class FacetTable {
  private struct Facet {
    let label: Label
    let ownerKind: Int64
    let owner: Int64

    /// The order of the table's key, in two comparisons.
    static func < (one: Facet, other: Facet) -> Bool {
      one.group != other.group ? one.group < other.group : one.owner < other.owner
    }

    /// Whatever comes before the owner.
    private var group: Int64 { label.kind.rawValue << 60 | label.name << 1 | ownerKind }
  }

  private var added: [Facet] = []
  private var removed: [Facet] = []
  private let insertMany: Statement
  private let insertOne: Statement
  private let delete: Statement
  /// Rows of one statement.
  private static let atOnce = 16

  init(_ database: Database) throws(LedgerError) {
    // What fails takes the whole transaction back, so that SQLite keeps no copies of what it writes over.
    let insert = "INSERT OR ROLLBACK INTO facets (kind, name, owner_kind, owner) VALUES "
    insertMany = try database.prepare(insert + Statement.places(4, rows: Self.atOnce))
    insertOne = try database.prepare(insert + Statement.places(4))
    delete = try database.prepare(
      "DELETE FROM facets WHERE kind = ?1 AND name = ?2 AND owner_kind = ?3 AND owner = ?4")
  }

  /// Takes note of the labels that an account got or lost.
  func settle<Member: Account>(_ account: Member) {
    account.labels.settle { entry in
      let facet = Facet(label: entry.label, ownerKind: Member.kind, owner: account.id)
      if entry.count > 0 { added.append(facet) } else { removed.append(facet) }
    }
  }

  /// Writes what was noted.
  func flush() throws(LedgerError) {
    for facet in removed {
      Self.bind(facet, to: delete, row: 0)
      try delete.run()
    }
    removed.removeAll(keepingCapacity: true)
    added.sort(by: <)
    var next = 0
    while next < added.count {
      let count = added.count - next < Self.atOnce ? 1 : Self.atOnce
      let statement = count == 1 ? insertOne : insertMany
      for row in 0..<count { Self.bind(added[next + row], to: statement, row: row) }
      try statement.run()
      next += count
    }
    added.removeAll(keepingCapacity: true)
  }

  /// Forgets what was noted.
  func reset() {
    added = []
    removed = []
  }

  private static func bind(_ facet: Facet, to statement: Statement, row: Int) {
    statement.bind(row * 4 + 1, facet.label.kind.rawValue)
    statement.bind(row * 4 + 2, facet.label.name)
    statement.bind(row * 4 + 3, facet.ownerKind)
    statement.bind(row * 4 + 4, facet.owner)
  }
}
