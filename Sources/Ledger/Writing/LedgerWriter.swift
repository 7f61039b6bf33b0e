import Facts
import Glibc
import OTLP

/// Applies what came to the ledger's file, a transaction at a time. Belongs to one thread at a time.
///
/// Nothing is counted twice, and nothing by half: what a trace adds to its accounts is taken off and put on as a whole, by
/// its row as it was and as it is, in the transaction that also writes its spans and which requests they came in. After a
/// transaction that failed the same batch may be applied again.
final class LedgerWriter {
  let configuration: LedgerConfiguration
  let database: Database
  let traces: TraceTable
  let accounts: Accounts
  let forgotten: ForgottenUsers
  let applied: AppliedRequests
  var hot = HotTraces(capacity: 32 << 20)
  /// What the transaction under way has counted.
  var tally = Tally()
  /// Wall-clock time in nanoseconds since the Unix epoch.
  let now: () -> Int64
  /// Traces of a session that get another end user in one transaction at most.
  var mostMoved = 5000
  /// Whether sessions have traces that still belong to the end user before.
  var isMoving = false
  /// Where the search for old traces goes on.
  var retentionPlace: Moment?

  private var facts: TraceFactsReader
  private let identity: FileIdentity?
  private var dataVersion: Int64 = -1
  /// Whether what is known may differ from the rows.
  private var isStale = false

  /// Counts of a transaction, which hold when it commits.
  struct Tally: Equatable {
    var spans = 0
    var duplicates = 0
    var omitted = 0
    var refused = 0
    var newTraces = 0
    var removedTraces = 0
    var conflictingSessions = 0
    var unpricedCalls = 0
  }

  /// Opens the ledger, and makes it when it is missing.
  ///
  /// - Throws: LedgerError.
  init(
    _ configuration: LedgerConfiguration, applied: AppliedRequests = AppliedRequests(), mayCreate: Bool = true,
    now: @escaping () -> Int64 = LedgerWriter.wallClock
  ) throws(LedgerError) {
    self.configuration = configuration
    self.applied = applied
    self.now = now
    database = try LedgerFile.openForWriting(path: configuration.path, mayCreate: mayCreate)
    identity = FileIdentity(path: configuration.path)
    traces = try TraceTable(database)
    accounts = try Accounts(database)
    forgotten = try ForgottenUsers(database, configuration.forgetting)
    facts = TraceFactsReader(prices: configuration.prices, fallback: configuration.fallback)
    try applied.load(from: database)
    isMoving = try database.int("SELECT EXISTS (SELECT 1 FROM moving)") == 1
  }

  static func wallClock() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  // MARK: Transactions

  /// Writes a batch in one transaction.
  ///
  /// - Returns: what it brought.
  @discardableResult
  func apply(_ batch: [Arrival]) throws(LedgerError) -> Tally {
    var written: [String: SequenceRuns] = [:]
    let tally = try transaction { () throws(LedgerError) in
      let groups = TraceGroups(batch)
      for group in groups.groups { try add(group, of: groups) }
      if isMoving { try moveOn() }
      written = try applied.write(batch, to: database)
    }
    applied.publish(written)
    return tally
  }

  /// Runs a change of traces, and writes what comes of it.
  func transaction(_ body: () throws(LedgerError) -> Void) throws(LedgerError) -> Tally {
    guard identity == FileIdentity(path: configuration.path) else { throw .replaced(path: configuration.path) }
    tally = Tally()
    do throws(LedgerError) {
      try database.transaction { () throws(LedgerError) in
        try refresh()
        try body()
        try settleSessions()
        try accounts.flush()
      }
    } catch {
      isStale = true
      throw error
    }
    accounts.finish()
    return tally
  }

  /// Somebody else may have written since, and what a failed transaction left behind holds no more.
  private func refresh() throws(LedgerError) {
    let version = try database.int("PRAGMA data_version") ?? 0
    guard isStale || version != dataVersion else { return }
    isStale = true
    hot.removeAll()
    try traces.reset()
    try accounts.reset()
    try forgotten.reset()
    isMoving = try database.int("SELECT EXISTS (SELECT 1 FROM moving)") == 1
    dataVersion = version
    isStale = false
  }

  /// Ends a write-ahead log that readers, who come and go, have kept from ending: waits until those of now have finished.
  func boundLog(to limit: Int) throws(LedgerError) {
    var status = stat()
    guard stat(configuration.path + "-wal", &status) == 0, Int(status.st_size) > limit else { return }
    try database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
  }

  /// Writes the log back into the file and ends it. What fails here is done when the file is opened next.
  func close() {
    try? database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
  }

  // MARK: Spans

  /// Adds the spans of one trace.
  private func add(_ group: TraceGroups.Group, of groups: TraceGroups) throws(LedgerError) {
    if forgotten.isRefused(group.trace) {
      tally.refused += Int(group.spanCount)
      return
    }
    let state: TraceState
    if let recent = hot.take(group.trace) { state = recent } else { state = try traces.load(group.trace) }
    let before = state.isStored ? state.row : nil
    let start = state.records.count
    var bodies: [TraceGroups.Place] = []
    let omitted = state.row.omitted
    let known = tally
    var isNews = false
    var rejected: [UInt8] = []

    try groups.forEach(in: group) { (place) throws(LedgerError) in
      var pseudonym: String?
      if !forgotten.isEmpty {
        switch try verdict(on: place.record) {
        case .welcome: break
        case .refused:
          tally.refused += 1
          rejected.append(contentsOf: place.record)
          return
        case .pseudonym(let name): pseudonym = name
        }
      }
      guard state.spans.count < configuration.maxSpansPerTree || state.spans.contains(place.span) else {
        if try omit(place, state) { isNews = true }
        return
      }
      guard state.spans.insert(place.span) else {
        tally.duplicates += 1
        return
      }
      isNews = true
      tally.spans += 1
      if let pseudonym {
        state.records.append(contentsOf: Self.record(place.record, under: pseudonym))
      } else {
        state.records.append(contentsOf: place.record)
        if !place.body.isEmpty { bodies.append(place) }
      }
    }
    if !rejected.isEmpty, try refuseIfForgotten(state, before: before, rejected: rejected) {
      tally.refused += tally.spans - known.spans
      (tally.spans, tally.duplicates) = (known.spans, known.duplicates)
      return
    }
    // Without a span that counts there is no trace.
    guard isNews, !state.records.isEmpty else {
      if before != nil { keep(state) }
      return
    }

    try describe(state)
    state.row.updated = now()
    try traces.write(state.row, over: before)
    if state.records.count > start { try traces.writeTree(of: state, from: start) }
    try write(bodies, of: state)
    try accounts.change(from: before, to: state.row)
    if before == nil { tally.newTraces += 1 }
    tally.unpricedCalls += max(Self.unpricedCalls(state.row) - (before.map(Self.unpricedCalls) ?? 0), 0)
    tally.omitted += Int(state.row.omitted - omitted)
    state.isStored = true
    keep(state)
  }

  /// Most traces are complete when they name their end user: nothing more is likely to come. Large ones cost much to read.
  private func keep(_ state: TraceState) {
    if state.row.ownUser == nil || state.records.count > 8 << 10 { hot.keep(state) }
  }

  /// Finds out what the trace is now.
  private func describe(_ state: TraceState) throws(LedgerError) {
    let facts = state.records.withUnsafeBytes { self.facts.read($0) }
    state.row.take(facts)
    state.row.name = try facts.name.map { (name) throws(LedgerError) in try accounts.names.name(name) }
    state.row.metadata = try facts.metadata.map { (object) throws(LedgerError) in
      try accounts.names.metadata(object)
    }
    state.row.labels = try accounts.names.labelSet(models: facts.models, tags: facts.tags)
    state.row.unpriced = try unpriced(facts)
    state.row.ownUser = try facts.endUser.map { (name) throws(LedgerError) in try accounts.users.account(named: name).id
    }
    state.row.user = state.row.ownUser
    state.row.session = nil
    guard let name = facts.session ?? (configuration.tracesAreSessions ? state.row.trace.hexadecimal : nil) else {
      return
    }
    let session = try accounts.sessions.account(named: name)
    state.row.session = session.id
    // For now: the session may learn better from other traces of this transaction.
    if state.row.ownUser == nil && configuration.inheritsSessionUser { state.row.user = session.user }
  }

  private func unpriced(_ facts: TraceFacts) throws(LedgerError) -> [UInt8] {
    if facts.unpriced.isEmpty { return [] }
    var calls: [(model: Int64, calls: Int64)] = []
    for (model, count) in facts.unpriced { calls.append((try accounts.names.name(model), Int64(count))) }
    return UnpricedCalls.bytes(of: calls.sorted { $0.model < $1.model })
  }

  private static func unpricedCalls(_ row: TraceRow) -> Int {
    row.unpriced.isEmpty ? 0 : UnpricedCalls.calls(in: row.unpriced).reduce(0) { $0 + Int($1.calls) }
  }

  /// Counts a span for which the tree has no room; false when it was counted before.
  private func omit(_ place: TraceGroups.Place, _ state: TraceState) throws(LedgerError) -> Bool {
    guard try traces.omit(place.span, of: state.row.id) else {
      tally.duplicates += 1
      return false
    }
    tally.spans += 1
    SpanRecord.forEach(in: place.record) { facts, _ in
      if facts.flags.contains(.completionMarker) { return }
      state.row.omitted += 1
      if facts.flags.contains(.isError) { state.row.omittedErrors += 1 }
    }
    return true
  }

  private func write(_ bodies: [TraceGroups.Place], of state: TraceState) throws(LedgerError) {
    guard configuration.spanBodies else { return }
    for place in bodies where place.body.count <= configuration.maxBodyBytes {
      try traces.write(body: place.body, of: place.span, in: state.row.id)
    }
  }

  // MARK: Forgotten users

  private func verdict(on record: UnsafeRawBufferPointer) throws(LedgerError) -> ForgottenUsers.Verdict {
    var user = ""
    SpanRecord.forEach(in: record) { facts, _ in user = String(decoding: facts.endUser, as: UTF8.self) }
    return user.isEmpty ? .welcome : try forgotten.verdict(on: user)
  }

  /// A span's record that names another end user, and nothing of what is said about the one.
  private static func record(_ record: UnsafeRawBufferPointer, under name: String) -> [UInt8] {
    var changed: [UInt8] = []
    var name = name
    name.withUTF8 { name in
      _ = SpanRecord.forEach(in: record) { facts, _ in
        var facts = copy facts
        facts.endUser = UnsafeRawBufferPointer(name)
        facts.metadata = SpanFacts.Text(start: nil, count: 0)
        SpanRecord.append(facts, to: &changed)
      }
    }
    return changed
  }

  /// Some spans named a forgotten user and were left out: if the trace is that user's, nothing of it stays.
  private func refuseIfForgotten(
    _ state: TraceState, before: TraceRow?, rejected: [UInt8]
  ) throws(LedgerError) -> Bool {
    let owner = (state.records + rejected).withUnsafeBytes { facts.read($0) }.endUser
    guard let owner, case .refused = try forgotten.verdict(on: owner) else { return false }
    try forgotten.refuse(state.row.trace, time: now())
    if let before { try remove(before) }
    return true
  }

  /// Removes a trace and what it adds to its accounts.
  func remove(_ row: TraceRow) throws(LedgerError) {
    try accounts.change(from: row, to: nil)
    try traces.delete(row.id)
    _ = hot.take(row.trace)
    tally.removedTraces += 1
  }
}

/// Which file a path leads to.
struct FileIdentity: Equatable {
  private let device: UInt
  private let inode: UInt

  /// nil without a file.
  init?(path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    device = UInt(status.st_dev)
    inode = UInt(status.st_ino)
  }
}
