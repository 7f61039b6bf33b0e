/// The rows of `users` or of `sessions` that transactions work on. Those of late are kept.
final class AccountTable<Member: Account> {
  private let database: Database
  private var known: [Int64: Member] = [:]
  private var named = ByteTable<Member>()
  /// The one that was asked for last: it mostly is the one that is asked for next, by its id.
  private var latest: Member?
  /// Changed in this transaction.
  private(set) var touched: [Member] = []
  /// Of the row that is being written.
  private var tallies: [UInt8] = []
  private var nextID: Int64
  private static var keptAtMost: Int { 10_000 }

  private let selectByID: Statement
  private let selectByName: Statement
  private let insert: Statement
  private let update: Statement
  private let delete: Statement
  private let first: Statement
  private let last: Statement
  private let firstOfAll: Statement
  private let lastOfAll: Statement
  private let latestMetadata: Statement

  /// Behind the id and the name.
  private static var columns: (sums: [String], common: [String], own: [String], tallies: [String]) {
    (
      Totals.columns,
      ["first_event", "last_event", "metadata", "metadata_start", "metadata_trace", "p50", "p95", "p99"],
      Member.ownColumns, ["latencies", "labels"]
    )
  }
  /// Where columns of a kind begin, counted from 0.
  private let sums = 2
  private let common: Int
  private let own: Int
  private let talliesPlace: Int

  init(_ database: Database) throws(LedgerError) {
    self.database = database
    let kinds = Self.columns
    common = sums + kinds.sums.count
    own = common + kinds.common.count
    talliesPlace = own + kinds.own.count
    let columns = ["id", "name"] + kinds.sums + kinds.common + kinds.own + kinds.tallies
    let table = Member.table
    let owner = Member.kind == 0 ? "user" : "session"
    selectByID = try database.prepare("SELECT \(columns.joined(separator: ", ")) FROM \(table) WHERE id = ?1")
    selectByName = try database.prepare("SELECT id FROM \(table) WHERE name = ?1")
    insert = try database.prepare(
      "INSERT INTO \(table) (\(columns.joined(separator: ", "))) VALUES ("
        + (1...columns.count).map { "?\($0)" }.joined(separator: ", ") + ")")
    update = try database.prepare(
      "UPDATE \(table) SET "
        + columns.indices.dropFirst(2).map { "\(columns[$0]) = ?\($0 + 1)" }.joined(separator: ", ") + " WHERE id = ?1")
    delete = try database.prepare("DELETE FROM \(table) WHERE id = ?1")
    first = try database.prepare("SELECT start FROM traces WHERE \(owner) = ?1 ORDER BY start LIMIT 1")
    last = try database.prepare("SELECT start FROM traces WHERE \(owner) = ?1 ORDER BY start DESC LIMIT 1")
    firstOfAll = try database.prepare("SELECT start FROM traces ORDER BY start LIMIT 1")
    lastOfAll = try database.prepare("SELECT start FROM traces ORDER BY start DESC LIMIT 1")
    latestMetadata = try database.prepare(
      """
      SELECT metadata, start, id FROM traces WHERE \(owner) = ?1 AND metadata IS NOT NULL
      ORDER BY start DESC, id DESC LIMIT 1
      """)
    nextID = try database.int("SELECT max(id) + 1 FROM \(table)") ?? 1
  }

  // MARK: Finding accounts

  /// The account of that name; a new one without a row if there is none.
  func account(named name: UnsafeRawBufferPointer) throws(LedgerError) -> Member {
    if let member = named[name] {
      latest = member
      return member
    }
    // What is not UTF-8 has the name that it is read as.
    let member = try account(named: String(decoding: name, as: UTF8.self))
    latest = member
    return member
  }

  private func account(named name: String) throws(LedgerError) -> Member {
    let bytes = Array(name.utf8)
    if let member = bytes.withUnsafeBytes({ named[$0] }) { return member }
    selectByName.bind(1, name)
    let isStored = try selectByName.step()
    let id = isStored ? selectByName.int(0) : nextID
    selectByName.reset()
    let member: Member
    if isStored {
      member = try account(id)
    } else {
      nextID += 1
      member = Member(id: id, name: name)
      known[id] = member
    }
    bytes.withUnsafeBytes { named.set(member, for: $0) }
    return member
  }

  /// The id of an account that has a row, or has come about in this transaction; nil without one.
  func id(named name: String) throws(LedgerError) -> Int64? {
    if let member = Array(name.utf8).withUnsafeBytes({ named[$0] }) { return member.id }
    selectByName.bind(1, name)
    defer { selectByName.reset() }
    return try selectByName.step() ? selectByName.int(0) : nil
  }

  /// The account with that id, which has a row or has come about in this transaction.
  func account(_ id: Int64) throws(LedgerError) -> Member {
    if let latest, latest.id == id { return latest }
    if let member = known[id] { return member }
    selectByID.bind(1, id)
    defer { selectByID.reset() }
    guard try selectByID.step() else {
      throw .database(message: "\(Member.table) has no row \(id), to which others refer", code: 0, path: database.path)
    }
    let row = selectByID
    let member = Member(id: id, name: row.text(1))
    member.isStored = true
    member.totals = Totals(row, from: sums)
    member.first = row.optionalInt(common)
    member.last = row.optionalInt(common + 1)
    member.metadata = row.optionalInt(common + 2)
    member.storedMetadata = member.metadata
    member.metadataMoment = member.metadata.map { _ in Moment(start: row.int(common + 3), trace: row.int(common + 4)) }
    member.readOwn(row, from: own)
    member.latencies = row.withBytes(talliesPlace) { LatencySketch($0) } ?? LatencySketch()
    member.labels = row.withBytes(talliesPlace + 1) { LabelCounts($0) }
    known[id] = member
    return member
  }

  @inline(__always)
  func touch(_ member: Member) {
    guard !member.isTouched else { return }
    member.isTouched = true
    touched.append(member)
  }

  // MARK: Writing them

  /// Writes the rows of all that was touched. Rows of traces are written.
  func flush() throws(LedgerError) {
    for member in touched {
      if member.totals.traces == 0 && !(Member.kind == 0 && member.id == 0) {
        if member.isStored {
          delete.bind(1, member.id)
          try delete.run()
        }
        forget(member)
      } else {
        try settle(member)
        try write(member)
      }
    }
  }

  /// It has no row any more.
  private func forget(_ member: Member) {
    known[member.id] = nil
    Array(member.name.utf8).withUnsafeBytes { _ = named.remove($0) }
    latest = nil
  }

  /// After a commit: what is known is what the rows say.
  func finish() {
    for member in touched { member.isTouched = false }
    // Those of now are the likeliest to come again.
    if known.count > Self.keptAtMost || named.count > Self.keptAtMost {
      let kept = touched.filter { $0.isStored && $0.totals.traces > 0 }.suffix(Self.keptAtMost)
      known = Dictionary(uniqueKeysWithValues: kept.map { ($0.id, $0) })
      named.removeAll()
      for member in kept { Array(member.name.utf8).withUnsafeBytes { named.set(member, for: $0) } }
    }
    latest = nil
    touched.removeAll(keepingCapacity: true)
  }

  /// Forgets what is known: the rows say something else.
  func reset() throws(LedgerError) {
    known = [:]
    named.removeAll()
    latest = nil
    touched = []
    nextID = try database.int("SELECT max(id) + 1 FROM \(Member.table)") ?? 1
  }

  /// Looks up what is unsure.
  private func settle(_ member: Member) throws(LedgerError) {
    let unsure = member.unsure
    guard !unsure.isEmpty else { return }
    let isEverybody = Member.kind == 0 && member.id == 0
    func moment(_ query: Statement) throws(LedgerError) -> Int64? {
      if query.parameterCount > 0 { query.bind(1, member.id) }
      defer { query.reset() }
      return try query.step() ? query.int(0) : nil
    }
    if unsure.contains(.first) { member.first = try moment(isEverybody ? firstOfAll : first) }
    if unsure.contains(.last) { member.last = try moment(isEverybody ? lastOfAll : last) }
    if unsure.contains(.metadata) {
      latestMetadata.bind(1, member.id)
      defer { latestMetadata.reset() }
      let isThere = try latestMetadata.step()
      member.metadata = isThere ? latestMetadata.int(0) : nil
      member.metadataMoment =
        isThere ? Moment(start: latestMetadata.int(1), trace: latestMetadata.int(2)) : nil
    }
    member.unsure.subtract([.first, .last, .metadata])
  }

  private func write(_ member: Member) throws(LedgerError) {
    let statement = member.isStored ? update : insert
    statement.bind(1, member.id)
    if !member.isStored { statement.bind(2, member.name) }
    // Places count from 1.
    member.totals.bind(to: statement, from: sums + 1)
    let place = common + 1
    statement.bind(place, member.first)
    statement.bind(place + 1, member.last)
    statement.bind(place + 2, member.metadata)
    statement.bind(place + 3, member.metadataMoment?.start)
    statement.bind(place + 4, member.metadataMoment?.trace)
    statement.bind(place + 5, member.latencies.percentile(0.5))
    statement.bind(place + 6, member.latencies.percentile(0.95))
    statement.bind(place + 7, member.latencies.percentile(0.99))
    member.bindOwn(to: statement, from: own + 1)
    try run(statement, withTalliesOf: member)
    member.isStored = true
  }

  private func run(_ statement: Statement, withTalliesOf member: Member) throws(LedgerError) {
    tallies.removeAll(keepingCapacity: true)
    member.latencies.append(to: &tallies)
    Self.pad(&tallies)
    let latencies = tallies.count
    member.labels.append(to: &tallies)
    Self.pad(&tallies)
    try tallies.withUnsafeBufferPointer { (tallies) throws(LedgerError) in
      let bytes = UnsafeRawBufferPointer(tallies)
      try statement.run(
        lending: [
          UnsafeRawBufferPointer(rebasing: bytes[..<latencies]), UnsafeRawBufferPointer(rebasing: bytes[latencies...]),
        ], at: talliesPlace + 1, apart: 1)
    }
  }

  /// Puts zeros behind it, which say nothing: a value that mostly keeps its length is written over in its place.
  private static func pad(_ bytes: inout [UInt8]) {
    bytes.append(contentsOf: repeatElement(0, count: -bytes.count & 31))
  }
}
