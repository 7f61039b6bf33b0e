import OTLP

/// Whom the ledger has forgotten, by salted hashes of their ids, and traces of theirs that were refused lately.
final class ForgottenUsers {
  /// What becomes of spans that name an end user.
  enum Verdict {
    case welcome, refused
    /// They are taken in under this name.
    case pseudonym(String)
  }

  private let database: Database
  /// nil: as the file says.
  private let wanted: LedgerConfiguration.Forgetting?
  private var forgetting = LedgerConfiguration.Forgetting.refuse
  private var salt: [UInt8] = []
  private var pseudonyms: [[UInt8]: String?] = [:]
  private var refusedTraces: Set<TraceID> = []
  /// Of ids that were looked at lately: hashing takes its time.
  private var verdicts: [ExactText: Verdict] = [:]
  private static let keptAtMost = 50_000

  init(_ database: Database, _ forgetting: LedgerConfiguration.Forgetting?) throws(LedgerError) {
    self.database = database
    wanted = forgetting
    try reset()
  }

  /// Nobody was forgotten.
  var isEmpty: Bool { pseudonyms.isEmpty }

  /// Forgets what is known: the rows say something else.
  func reset() throws(LedgerError) {
    verdicts = [:]
    pseudonyms = [:]
    refusedTraces = []
    salt = []
    forgetting = if let wanted { wanted } else { try noted() }
    if case .blob(let known) = try database.value("SELECT value FROM properties WHERE key = 'salt'") { salt = known }
    try database.forEach("SELECT hash, pseudonym FROM forgotten") { pseudonyms[$0.bytes(0)] = $0.optionalText(1) }
    try database.forEach("SELECT trace FROM refused") { row in
      if let trace = row.traceID(0) { refusedTraces.insert(trace) }
    }
  }

  /// Has the file say what becomes of spans that name a forgotten user, for those who forget somebody without a configuration.
  func note() throws(LedgerError) {
    guard forgetting != (try noted()) else { return }
    try database.run(
      "INSERT OR REPLACE INTO properties (key, value) VALUES ('forgotten', ?1)", [.text(forgetting.rawValue)])
  }

  private func noted() throws(LedgerError) -> LedgerConfiguration.Forgetting {
    guard case .text(let value) = try database.value("SELECT value FROM properties WHERE key = 'forgotten'") else {
      return .refuse
    }
    return LedgerConfiguration.Forgetting(rawValue: value) ?? .refuse
  }

  func verdict(on user: String) throws(LedgerError) -> Verdict {
    if isEmpty { return .welcome }
    if let known = verdicts[ExactText(user)] { return known }
    if verdicts.count >= Self.keptAtMost { verdicts.removeAll() }
    let verdict = try judge(user)
    verdicts[ExactText(user)] = verdict
    return verdict
  }

  private func judge(_ user: String) throws(LedgerError) -> Verdict {
    let hash = hash(of: user)
    guard let pseudonym = pseudonyms[hash] else { return .welcome }
    guard forgetting == .pseudonym else { return .refused }
    if let pseudonym { return .pseudonym(pseudonym) }
    return .pseudonym(try remember(hash, time: nil) ?? user)
  }

  /// Has a user's id forgotten from now on.
  ///
  /// - Parameters:
  ///   - user: the id.
  ///   - time: nanoseconds since the Unix epoch.
  /// - Returns: the name that takes its place, if one does.
  /// - Throws: LedgerError.
  func forget(_ user: String, time: Int64) throws(LedgerError) -> String? {
    if salt.isEmpty {
      var random = SystemRandomNumberGenerator()
      salt = (0..<16).map { _ in UInt8.random(in: 0...255, using: &random) }
      try database.run("INSERT INTO properties (key, value) VALUES ('salt', ?1)", [.blob(salt)])
    }
    verdicts = [:]
    let hash = hash(of: user)
    // It stays, for a time when pseudonyms are wanted again.
    if case .some(.some(let known)) = pseudonyms[hash] { return forgetting == .pseudonym ? known : nil }
    return try remember(hash, time: time)
  }

  /// Writes a hash, with a new pseudonym where they are wanted.
  private func remember(_ hash: [UInt8], time: Int64?) throws(LedgerError) -> String? {
    let pseudonym =
      forgetting == .pseudonym ? "forgotten-" + TraceID.hexadecimal(.random(in: 1 ... .max)) : nil
    try database.run(
      """
      INSERT INTO forgotten (hash, pseudonym, time) VALUES (?1, ?2, ifnull(?3, 0))
      ON CONFLICT DO UPDATE SET pseudonym = excluded.pseudonym, time = ifnull(?3, time)
      """, [.blob(hash), SQLValue(pseudonym), SQLValue(time)])
    pseudonyms[hash] = .some(pseudonym)
    return pseudonym
  }

  private func hash(of user: String) -> [UInt8] {
    SHA256.digest(of: salt + Array(user.utf8))
  }

  // MARK: Refused traces

  func isRefused(_ trace: TraceID) -> Bool {
    !refusedTraces.isEmpty && refusedTraces.contains(trace)
  }

  /// What else comes of that trace is refused, for as long as spans are remembered.
  func refuse(_ trace: TraceID, time: Int64) throws(LedgerError) {
    refusedTraces.insert(trace)
    try database.run("INSERT OR REPLACE INTO refused (trace, time) VALUES (?1, ?2)", [trace.blob, .int(time)])
  }

  /// Lets refused traces go that are older than a time in nanoseconds, some of them.
  func prune(before time: Int64) throws(LedgerError) {
    guard !refusedTraces.isEmpty else { return }
    var old: [TraceID] = []
    try database.forEach("SELECT trace FROM refused WHERE time < ?1 ORDER BY time LIMIT 1000", [.int(time)]) { row in
      if let trace = row.traceID(0) { old.append(trace) }
    }
    for trace in old {
      try database.run("DELETE FROM refused WHERE trace = ?1", [trace.blob])
      refusedTraces.remove(trace)
    }
  }
}

extension TraceID {
  /// Its 16 bytes.
  var blob: SQLValue { .blob(withUnsafeBytes(of: (first, second)) { Array($0) }) }
}

extension Statement {
  /// A trace's id; nil when the bytes are none.
  func traceID(_ column: Int) -> TraceID? {
    withBytes(column) { bytes in
      guard bytes.count == 16 else { return nil }
      return TraceID(
        first: bytes.loadUnaligned(as: UInt64.self), second: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }
  }
}
