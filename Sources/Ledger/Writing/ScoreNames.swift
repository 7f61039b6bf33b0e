/// The rows of `score_names`: interned while scores are written, and removed with the last score that has them.
final class ScoreNames {
  private let database: Database
  private let names: InternTable
  /// How many scores more or less have a name, in this transaction.
  private var changes: [Int64: Int64] = [:]

  init(_ database: Database) throws(LedgerError) {
    self.database = database
    names = try InternTable(database, table: "score_names", column: "name", isText: true)
  }

  func id(of name: String) throws(LedgerError) -> Int64 { try names.id(of: name) }

  /// Takes a score's names off (`sign` -1) or puts them on (1).
  func count(_ score: ScoreRow, _ sign: Int64) {
    changes[score.name, default: 0] += sign
    if let label = score.label { changes[label, default: 0] += sign }
  }

  /// Writes the counts, and removes what no score has any more.
  func flush() throws(LedgerError) {
    for (id, change) in changes {
      try database.run("UPDATE score_names SET uses = uses + ?2 WHERE id = ?1", [.int(id), .int(change)])
      guard change <= 0 else { continue }
      let name = try database.value("SELECT name FROM score_names WHERE id = ?1 AND uses = 0", [.int(id)])
      if case .text(let name) = name { try names.remove(id, value: Array(name.utf8)) }
    }
    changes.removeAll(keepingCapacity: true)
  }

  /// Forgets what is known: the rows say something else.
  func reset() {
    names.reset()
    changes = [:]
  }
}
