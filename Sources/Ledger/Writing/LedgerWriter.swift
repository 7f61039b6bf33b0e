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
  let newTraces: NewTraces
  let accounts: Accounts
  let forgotten: ForgottenUsers
  let applied: AppliedRequests
  /// Nil when nobody is to be told of them.
  var openSessions: OpenSessions?
  var hot = HotTraces(capacity: 16 << 20)
  var newcomers = Newcomers()
  /// Of the trace that was new last: memory for the next.
  var newSpans = SpanIDs()
  /// What the transaction under way has counted.
  var tally = Tally()
  /// Wall-clock time in nanoseconds since the Unix epoch.
  let now: () -> Int64
  /// Traces of a session that get another end user in one transaction at most.
  var mostMoved = 5000
  /// Whether sessions have traces that still belong to the end user before.
  var isMoving = false
  /// Whether pages may still have copies of rows that were erased.
  var hasResidue = false
  private var patience: LockPatience?
  /// Where the search for old traces goes on.
  var retentionPlace: Moment?
  /// When the latest of the traces began that retention has removed; nanoseconds since the Unix epoch.
  var newestRemoved = Int64.min

  var facts: TraceFactsReader
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
    var scores = 0
    var refusedScores = 0
    var removedScores = 0
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
    newTraces = try NewTraces(database)
    accounts = try Accounts(database)
    forgotten = try ForgottenUsers(database, configuration.forgetting)
    openSessions = configuration.remembersChanges ? try OpenSessions(database) : nil
    facts = TraceFactsReader(prices: configuration.prices, fallback: configuration.fallback)
    try applied.load(from: database)
    isMoving = try database.int("SELECT EXISTS (SELECT 1 FROM moving)") == 1
    try findResidue()
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
      try writeNewcomers(of: groups)
      try addScores(of: groups)
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
    newcomers.waiting.removeAll(keepingCapacity: true)
    openSessions?.forget()
    do throws(LedgerError) {
      try database.transaction { () throws(LedgerError) in
        try refresh()
        try body()
        try settleSessions()
        try accounts.flush()
        try traces.trees.flush()
        tally.removedScores = accounts.scores.takeRemovedCount()
        try openSessions?.note(at: now())
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
    try findResidue()
    dataVersion = version
    isStale = false
  }

  /// Has it wait for others' locks no longer than until then, in monotonic nanoseconds.
  func wait(until deadline: @escaping @Sendable () -> UInt64) {
    let patience = LockPatience(until: deadline)
    database.wait(with: patience)
    self.patience = patience
  }

  /// Ends a write-ahead log that readers, who come and go, have kept from ending: waits until those of now have finished.
  func boundLog(to limit: Int) throws(LedgerError) {
    if logSize > limit { try database.execute("PRAGMA wal_checkpoint(TRUNCATE)") }
  }

  /// Bytes of the write-ahead log.
  var logSize: Int {
    var status = stat()
    return stat(configuration.path + "-wal", &status) == 0 ? Int(status.st_size) : 0
  }

  /// Writes the log back into the file and ends it. What fails here is done when the file is opened next.
  func close() {
    try? database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
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
