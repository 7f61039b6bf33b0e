/// Everything that traces add up to: users, sessions, days, labels, calls without a price. A change of a trace is told here,
/// and written once a transaction.
final class Accounts {
  let users: AccountTable<UserAccount>
  let sessions: AccountTable<SessionAccount>
  let names: NameTables
  let scores: ScoreTable
  private let facets: FacetTable
  let blocks: (users: RowBlocks, sessions: RowBlocks, traces: RowBlocks)
  /// The account of everybody, once the transaction has needed it.
  private var everybody: UserAccount?
  private let database: Database
  private var unpriced: [Int64: Int64] = [:]
  private var labels = LabelChanges()
  /// Names that perhaps nothing refers to.
  private var suspects: [Int64] = []

  private let addDay: Statement
  private let removeDay: Statement
  private let addLabel: Statement
  private let removeLabel: Statement
  private let addUnpriced: Statement
  private let removeUnpriced: Statement

  init(_ database: Database) throws(LedgerError) {
    self.database = database
    users = try AccountTable(database)
    sessions = try AccountTable(database)
    names = try NameTables(database)
    scores = try ScoreTable(database)
    blocks = (
      users: try RowBlocks(database, table: "user_blocks", columnCount: 1),
      sessions: try RowBlocks(database, table: "session_blocks", columnCount: 1),
      traces: try RowBlocks(database, table: "trace_blocks", columnCount: 3)
    )
    let sums = Totals.columns
    addDay = try database.prepare(
      "INSERT INTO days (user, day, \(sums.joined(separator: ", "))) VALUES ("
        + (1...sums.count + 2).map { "?\($0)" }.joined(separator: ", ")
        + ") ON CONFLICT DO UPDATE SET " + sums.map { "\($0) = \($0) + excluded.\($0)" }.joined(separator: ", "))
    removeDay = try database.prepare("DELETE FROM days WHERE user = ?1 AND day = ?2 AND traces = 0")
    facets = try FacetTable(database)
    addLabel = try database.prepare(
      """
      INSERT INTO label_counts (kind, name, traces) VALUES (?1, ?2, ?3)
      ON CONFLICT DO UPDATE SET traces = traces + excluded.traces
      """)
    removeLabel = try database.prepare("DELETE FROM label_counts WHERE kind = ?1 AND name = ?2 AND traces = 0")
    addUnpriced = try database.prepare(
      "INSERT INTO unpriced (model, calls) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET calls = calls + excluded.calls")
    removeUnpriced = try database.prepare("DELETE FROM unpriced WHERE model = ?1 AND calls = 0")
  }

  // MARK: Changes

  /// A trace came, changed, or went.
  func change(from oldRow: TraceRow?, to newRow: TraceRow?) throws(LedgerError) {
    let old = try oldRow.map { (row) throws(LedgerError) in try view(row) }
    let new = try newRow.map { (row) throws(LedgerError) in try view(row) }
    labels.change(from: old, to: new)
    try blocks.traces.change(from: old, to: new)
    scores.note(from: oldRow, to: newRow)
    try changeEverybody(from: old, to: new)
    try change(users, oldRow?.user, newRow?.user, old, new)
    try change(sessions, oldRow?.session, newRow?.session, old, new)
    if let old { count(old.row, -1) }
    if let new { count(new.row, 1) }
  }

  /// A trace that was added in this transaction is none after all. What it alone refers to goes.
  func takeBack(_ row: TraceRow) throws(LedgerError) {
    try change(from: row, to: nil)
    names.doubt(row)
    suspects += UnpricedCalls.calls(in: row.unpriced).map(\.model)
    if let name = row.name { suspects.append(name) }
    if let labels = row.labels { suspects += try names.labels(of: labels).map(\.name) }
  }

  private func view(_ row: TraceRow) throws(LedgerError) -> TraceView {
    let labels = try row.labels.map { (id) throws(LedgerError) in try names.labels(of: id) } ?? []
    return TraceView(row: row, bucket: LatencySketch.bucket(of: row.latency), labels: labels)
  }

  private func change<Member>(
    _ table: AccountTable<Member>, _ oldOwner: Int64?, _ newOwner: Int64?, _ old: TraceView?, _ new: TraceView?
  ) throws(LedgerError) {
    if oldOwner == newOwner {
      if let newOwner { try change(table, newOwner, from: old, to: new) }
    } else {
      if let oldOwner { try change(table, oldOwner, from: old, to: nil) }
      if let newOwner { try change(table, newOwner, from: nil, to: new) }
    }
  }

  private func change<Member>(
    _ table: AccountTable<Member>, _ owner: Int64, from old: TraceView?, to new: TraceView?
  ) throws(LedgerError) {
    let account = try table.account(owner)
    table.touch(account)
    account.change(from: old, to: new)
  }

  private func changeEverybody(from old: TraceView?, to new: TraceView?) throws(LedgerError) {
    let account: UserAccount
    if let everybody { account = everybody } else { account = try users.account(0) }
    everybody = account
    users.touch(account)
    account.change(from: old, to: new)
  }

  private func count(_ row: TraceRow, _ sign: Int64) {
    names.count(row, sign)
    if !row.unpriced.isEmpty {
      for (model, calls) in UnpricedCalls.calls(in: row.unpriced) { unpriced[model, default: 0] += calls * sign }
    }
  }

  // MARK: Writing

  /// Writes all that changed. Rows of traces are written, and sessions know their end users.
  func flush() throws(LedgerError) {
    for session in sessions.touched {
      let user = session.totals.traces > 0 ? session.user : nil
      scores.note(session, user: user)
      guard user != session.storedUser else { continue }
      if let before = session.storedUser { try countSession(of: before, -1) }
      if let user { try countSession(of: user, 1) }
      session.storedUser = user
    }
    var orphans = suspects
    suspects = []
    try writeFacets()
    try writeLabels(&orphans)
    try sessions.flush()
    try users.flush()
    try writeBlocks()
    try writeDays()
    try writeUnpriced(&orphans)
    try names.flush()
    for name in orphans { try names.removeUnlessUsed(name: name) }
    try scores.flush()
  }

  /// After a commit.
  func finish() {
    everybody = nil
    sessions.finish()
    users.finish()
  }

  /// Forgets what is known: the rows say something else.
  func reset() throws(LedgerError) {
    unpriced = [:]
    suspects = []
    facets.reset()
    labels.removeAll()
    names.reset()
    resetBlocks()
    everybody = nil
    try sessions.reset()
    try users.reset()
    try scores.reset()
  }

  private func countSession(of user: Int64, _ amount: Int64) throws(LedgerError) {
    let account = try users.account(user)
    users.touch(account)
    account.sessions += amount
  }

  private func writeFacets() throws(LedgerError) {
    for session in sessions.touched { facets.settle(session) }
    for user in users.touched { facets.settle(user) }
    try facets.flush()
  }

  /// - Parameter orphans: gets names that no trace has any more.
  /// - Throws: LedgerError.
  private func writeLabels(_ orphans: inout [Int64]) throws(LedgerError) {
    var gone: [Int64] = []
    try labels.forEach { (label, change) throws(LedgerError) in
      addLabel.bind(1, label.kind.rawValue)
      addLabel.bind(2, label.name)
      addLabel.bind(3, change)
      try addLabel.run()
      guard change < 0 else { return }
      removeLabel.bind(1, label.kind.rawValue)
      removeLabel.bind(2, label.name)
      try removeLabel.run()
      if database.changes > 0 { gone.append(label.name) }
    }
    orphans += gone
    labels.removeAll()
  }

  private func writeDays() throws(LedgerError) {
    for user in users.touched {
      for (day, totals) in user.days where totals != Totals() {
        addDay.bind(1, user.id)
        addDay.bind(2, day)
        totals.bind(to: addDay, from: 3)
        try addDay.run()
        guard totals.traces < 0 else { continue }
        removeDay.bind(1, user.id)
        removeDay.bind(2, day)
        try removeDay.run()
      }
      user.days.removeAll(keepingCapacity: true)
    }
  }

  private func writeUnpriced(_ orphans: inout [Int64]) throws(LedgerError) {
    for (model, calls) in unpriced where calls != 0 {
      addUnpriced.bind(1, model)
      addUnpriced.bind(2, calls)
      try addUnpriced.run()
      guard calls < 0 else { continue }
      removeUnpriced.bind(1, model)
      try removeUnpriced.run()
      if database.changes > 0 { orphans.append(model) }
    }
    unpriced.removeAll(keepingCapacity: true)
  }
}
