import Facts
import OTLP

/// The rows of `scores`, each with the trace, session and end user that it belongs to.
///
/// A score belongs to its trace, and with that to the trace's session and end user; a score that names a session to that and to
/// its end user. What it names may come later, change hands or go: that is noted while a transaction changes traces and
/// sessions, and at its end, when all other rows are written, the scores follow.
final class ScoreTable {
  private let database: Database
  private let names: ScoreNames
  private let sums: ScoreSums
  /// Whether there is no score at all, so that nothing need be noted.
  private var isEmpty = true
  private var nextID: Int64 = 1
  /// Scores that were removed in this transaction.
  private var removedCount = 0

  // Noted in this transaction.
  private var arrived: [(score: Score, received: Int64)] = []
  private var newTraces: [TraceID] = []
  private var changedTraces: Set<Int64> = []
  private var removedTraces: [Int64] = []
  private var refusedTraces: [TraceID] = []
  private var changedSessions: [String] = []
  private var removedSessions: [Int64] = []

  private let selectByID: Statement
  private let insert: Statement
  private let update: Statement
  private let move: Statement
  private let delete: Statement
  private let trace: Statement
  private let session: Statement

  private static let columns = [
    "id", "score", "name", "number", "label", "data_type", "source", "time", "about_trace", "span", "about_session",
    "trace", "session", "user", "comment", "environment", "metadata", "received",
  ]

  init(_ database: Database) throws(LedgerError) {
    self.database = database
    names = try ScoreNames(database)
    sums = try ScoreSums(database)
    let columns = Self.columns
    selectByID = try database.prepare("SELECT \(ScoreRow.columns) FROM scores WHERE score = ?1")
    insert = try database.prepare(
      "INSERT INTO scores (\(columns.joined(separator: ", "))) VALUES ("
        + (1...columns.count).map { "?\($0)" }.joined(separator: ", ") + ")")
    update = try database.prepare(
      "UPDATE scores SET "
        + columns.indices.dropFirst(2).map { "\(columns[$0]) = ?\($0 + 1)" }.joined(separator: ", ")
        + " WHERE id = ?1")
    move = try database.prepare("UPDATE scores SET trace = ?2, session = ?3, user = ?4 WHERE id = ?1")
    delete = try database.prepare("DELETE FROM scores WHERE id = ?1")
    trace = try database.prepare("SELECT id, session, user FROM traces WHERE trace = ?1")
    session = try database.prepare("SELECT id, user FROM sessions WHERE name = ?1")
    try reset()
  }

  /// Forgets what is known: the rows say something else.
  func reset() throws(LedgerError) {
    nextID = try database.int("SELECT max(id) + 1 FROM scores") ?? 1
    isEmpty = nextID == 1
    names.reset()
    sums.reset()
    arrived = []
    forgetNotes()
    removedCount = 0
  }

  private func forgetNotes() {
    newTraces = []
    changedTraces = []
    removedTraces = []
    refusedTraces = []
    changedSessions = []
    removedSessions = []
  }

  // MARK: Noting

  /// A score came. One of the same id gives way to it.
  ///
  /// - Parameters:
  ///   - score: what came.
  ///   - received: nanoseconds since the Unix epoch.
  func add(_ score: Score, received: Int64) { arrived.append((score, received)) }

  /// A trace came, changed, or went.
  func note(from old: TraceRow?, to new: TraceRow?) {
    if isEmpty { return }
    if let new {
      if let old {
        if old.user != new.user || old.session != new.session { changedTraces.insert(new.id) }
      } else {
        newTraces.append(new.trace)
      }
    } else if let old {
      removedTraces.append(old.id)
    }
  }

  /// A trace will not be taken in.
  func note(refused trace: TraceID) {
    if !isEmpty { refusedTraces.append(trace) }
  }

  /// A session was touched, which is to have that end user; its row still says what was.
  func note(_ session: SessionAccount, user: Int64?) {
    if isEmpty { return }
    if session.totals.traces == 0 {
      if session.isStored { removedSessions.append(session.id) }
    } else if !session.isStored || user != session.storedUser {
      changedSessions.append(session.name)
    }
  }

  // MARK: Writing

  /// Has scores follow what was noted, and writes those that came. All other rows are written.
  func flush() throws(LedgerError) {
    for trace in removedTraces { for score in try rows("trace = ?1", .int(trace)) { try remove(score) } }
    for session in removedSessions {
      for score in try rows("session = ?1", .int(session)) {
        if score.place.trace == nil { try remove(score) } else { try place(score) }
      }
    }
    for trace in refusedTraces { for score in try waiting(for: trace) { try remove(score) } }
    // Most new traces and sessions have none that waits, and often there is none at all.
    if !newTraces.isEmpty, try isAny("about_trace IS NOT NULL AND trace IS NULL") {
      for trace in newTraces { for score in try waiting(for: trace) { try place(score) } }
    }
    for trace in changedTraces { for score in try rows("trace = ?1", .int(trace)) { try place(score) } }
    if !changedSessions.isEmpty, try isAny("about_session IS NOT NULL") {
      for session in changedSessions {
        for score in try rows("about_session = ?1", .text(session)) { try place(score) }
      }
    }
    for (score, received) in arrived { try write(score, received: received) }
    arrived.removeAll(keepingCapacity: true)
    forgetNotes()
    try sums.flush()
    try names.flush()
  }

  /// Removes some of those that wait for something which did not come.
  ///
  /// - Parameters:
  ///   - time: nanoseconds since the Unix epoch; who came later goes on waiting.
  ///   - limit: how many at most.
  /// - Returns: how many.
  /// - Throws: LedgerError.
  func removeWaiting(before time: Int64, limit: Int) throws(LedgerError) -> Int {
    if isEmpty { return 0 }
    let found = try rows(
      "trace IS NULL AND session IS NULL AND received < ?1 ORDER BY received LIMIT \(limit)", .int(time))
    for score in found { try remove(score) }
    return found.count
  }

  /// Removes those of an end user that belong to no trace.
  func removeOfSessions(of user: Int64) throws(LedgerError) {
    if isEmpty { return }
    for score in try rows("user = ?1 AND trace IS NULL", .int(user)) { try remove(score) }
  }

  /// How many went since this was asked last.
  func takeRemovedCount() -> Int {
    defer { removedCount = 0 }
    return removedCount
  }

  // MARK: One score

  private func waiting(for trace: TraceID) throws(LedgerError) -> [ScoreRow] {
    try rows("about_trace = ?1 AND trace IS NULL", trace.blob)
  }

  private func isAny(_ condition: String) throws(LedgerError) -> Bool {
    try database.int("SELECT EXISTS (SELECT 1 FROM scores WHERE \(condition))") == 1
  }

  private func rows(_ condition: String, _ parameter: SQLValue) throws(LedgerError) -> [ScoreRow] {
    var rows: [ScoreRow] = []
    try database.forEach("SELECT \(ScoreRow.columns) FROM scores WHERE \(condition)", [parameter]) {
      rows.append(ScoreRow($0))
    }
    return rows
  }

  /// Has a score belong where it does now.
  private func place(_ score: ScoreRow) throws(LedgerError) {
    let place = try self.place(of: score)
    guard place != score.place else { return }
    sums.change(score, from: score.place, to: place)
    move.bind(1, score.id)
    move.bind(2, place.trace)
    move.bind(3, place.session)
    move.bind(4, place.user)
    try move.run()
  }

  private func place(of score: ScoreRow) throws(LedgerError) -> ScorePlace {
    var place = ScorePlace()
    if let id = score.aboutTrace {
      trace.bind(1, id)
      defer { trace.reset() }
      if try trace.step() {
        place = ScorePlace(trace: trace.int(0), session: trace.optionalInt(1), user: trace.optionalInt(2))
      }
    }
    // What the trace says goes before what the score says.
    if place.session == nil, let name = score.aboutSession {
      session.bind(1, name)
      defer { session.reset() }
      if try session.step() {
        place.session = session.int(0)
        place.user = place.user ?? session.optionalInt(1)
      }
    }
    return place
  }

  private func write(_ score: Score, received: Int64) throws(LedgerError) {
    let known = try known(score.id)
    var row = ScoreRow(
      score, id: known?.id ?? nextID, name: try names.id(of: score.name),
      label: try score.label.map { (label) throws(LedgerError) in try names.id(of: label) })
    row.place = try place(of: row)
    if let known {
      sums.change(known, from: known.place, to: nil)
      names.count(known, -1)
    } else {
      nextID += 1
      isEmpty = false
    }
    sums.change(row, from: nil, to: row.place)
    names.count(row, 1)
    try write(row, of: score, received: received, with: known == nil ? insert : update)
  }

  private func known(_ id: String) throws(LedgerError) -> ScoreRow? {
    selectByID.bind(1, id)
    defer { selectByID.reset() }
    return try selectByID.step() ? ScoreRow(selectByID) : nil
  }

  private func write(
    _ row: ScoreRow, of score: Score, received: Int64, with statement: Statement
  ) throws(LedgerError) {
    let number = score.number.map(SQLValue.real) ?? .null
    let values: [SQLValue] = [
      .int(row.id), .text(score.id), .int(row.name), number, SQLValue(row.label), .int(Int64(score.dataType.rawValue)),
      .int(Int64(score.source.rawValue)), .int(row.time), row.aboutTrace.map(SQLValue.blob) ?? .null,
      SQLValue(score.span.map { Int64(bitPattern: $0) }), SQLValue(row.aboutSession), SQLValue(row.place.trace),
      SQLValue(row.place.session), SQLValue(row.place.user), SQLValue(score.comment), SQLValue(score.environment),
      SQLValue(score.metadata), .int(received),
    ]
    statement.bind(values)
    try statement.run()
  }

  private func remove(_ score: ScoreRow) throws(LedgerError) {
    sums.change(score, from: score.place, to: nil)
    names.count(score, -1)
    delete.bind(1, score.id)
    try delete.run()
    removedCount += 1
  }
}
