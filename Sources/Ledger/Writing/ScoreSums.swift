/// What the scores of users, sessions and traces come to. A change of a score is told here, and written once a transaction.
///
/// They are kept, and not summed up when somebody asks: a filter by a mean would have to go through all scores of everybody.
final class ScoreSums {
  private struct Key: Hashable {
    var owner: ScoreOwner
    var row: Int64
    /// Of `score_names`.
    var name: Int64
  }

  /// A score's place among those of an owner.
  private struct Moment: Comparable {
    var time: Int64
    var score: Int64

    static func < (one: Moment, other: Moment) -> Bool { (one.time, one.score) < (other.time, other.score) }
  }

  private struct Change {
    var sum = ScoreSum()
    var labels: [Int64: Int64] = [:]
    /// The latest that came, and the latest that went.
    var added: Moment?
    var removed: Moment?
  }

  private var changes: [Key: Change] = [:]
  private let select: Statement
  private let write: Statement
  private let delete: Statement
  private let addLabel: Statement
  private let removeLabel: Statement
  private let latest: [Statement]

  init(_ database: Database) throws(LedgerError) {
    let key = "owner_kind = ?1 AND owner = ?2 AND name = ?3"
    select = try database.prepare("SELECT scores, numbers, sum, latest_time, latest FROM score_sums WHERE \(key)")
    write = try database.prepare(
      """
      INSERT OR REPLACE INTO score_sums (owner_kind, owner, name, scores, numbers, sum, mean, latest_time, latest)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
      """)
    delete = try database.prepare("DELETE FROM score_sums WHERE \(key)")
    addLabel = try database.prepare(
      """
      INSERT INTO score_labels (owner_kind, owner, name, label, scores) VALUES (?1, ?2, ?3, ?4, ?5)
      ON CONFLICT DO UPDATE SET scores = scores + excluded.scores
      """)
    removeLabel = try database.prepare("DELETE FROM score_labels WHERE \(key) AND label = ?4 AND scores = 0")
    var latest: [Statement] = []
    for owner in ["user", "session", "trace"] {
      // The plus keeps SQLite from going through everybody's scores of that name.
      latest.append(
        try database.prepare(
          "SELECT time, id FROM scores WHERE \(owner) = ?1 AND +name = ?2 ORDER BY time DESC, id DESC LIMIT 1"))
    }
    self.latest = latest
  }

  /// A score came to an owner, or left it.
  func change(_ score: ScoreRow, from old: ScorePlace?, to new: ScorePlace?) {
    for owner in ScoreOwner.allCases {
      let (before, now) = (old?[owner], new?[owner])
      guard before != now else { continue }
      if let before { add(score, -1, to: Key(owner: owner, row: before, name: score.name)) }
      if let now { add(score, 1, to: Key(owner: owner, row: now, name: score.name)) }
    }
  }

  private func add(_ score: ScoreRow, _ sign: Int64, to key: Key) {
    let moment = Moment(time: score.time, score: score.id)
    var change = changes[key] ?? Change()
    change.sum.add(score.number, sign)
    if let label = score.label { change.labels[label, default: 0] += sign }
    if sign > 0 {
      change.added = max(change.added ?? moment, moment)
    } else {
      change.removed = max(change.removed ?? moment, moment)
    }
    changes[key] = change
  }

  /// Writes what changed. Rows of scores are written.
  func flush() throws(LedgerError) {
    for (key, change) in changes {
      try writeSum(key, change)
      for (label, count) in change.labels where count != 0 { try write(label, count, of: key) }
    }
    changes.removeAll(keepingCapacity: true)
  }

  func reset() { changes = [:] }

  private func writeSum(_ key: Key, _ change: Change) throws(LedgerError) {
    bind(key, to: select)
    var sum = change.sum
    var last: Moment?
    if try select.step() {
      sum += select.withBytes(2) { ScoreSum(scores: select.int(0), numbers: select.int(1), sum: $0) }
      last = Moment(time: select.int(3), score: select.int(4))
    }
    select.reset()
    guard sum.scores > 0 else {
      bind(key, to: delete)
      return try delete.run()
    }
    if let removed = change.removed, removed >= last ?? removed {
      last = try find(key)
    } else if let added = change.added {
      last = max(last ?? added, added)
    }
    bind(key, to: write)
    write.bind(4, sum.scores)
    write.bind(5, sum.numbers)
    write.bind(6, sum.bytes)
    if let mean = sum.mean { write.bind(7, mean) } else { write.bind(7, Int64?.none) }
    write.bind(8, last?.time ?? 0)
    write.bind(9, last?.score ?? 0)
    try write.run()
  }

  /// The latest score there is.
  private func find(_ key: Key) throws(LedgerError) -> Moment? {
    let statement = latest[Int(key.owner.rawValue)]
    statement.bind(1, key.row)
    statement.bind(2, key.name)
    defer { statement.reset() }
    return try statement.step() ? Moment(time: statement.int(0), score: statement.int(1)) : nil
  }

  private func write(_ label: Int64, _ count: Int64, of key: Key) throws(LedgerError) {
    for statement in count > 0 ? [addLabel] : [addLabel, removeLabel] {
      bind(key, to: statement)
      statement.bind(4, label)
      if statement === addLabel { statement.bind(5, count) }
      try statement.run()
    }
  }

  private func bind(_ key: Key, to statement: Statement) {
    statement.bind(1, key.owner.rawValue)
    statement.bind(2, key.row)
    statement.bind(3, key.name)
  }
}
