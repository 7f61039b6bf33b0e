import EndUser
import Facts
import Prices

/// Why a trace is whose it is.
extension LedgerReader {
  /// What the ledger knows about it, from the records of its spans.
  func provenance(
    of trace: Int64, _ records: [UInt8], in database: Database
  ) throws(LedgerError) -> Provenance {
    let attribution = try Attribution(trace, in: database)
    var provenance = attribution.explain(records)
    if attribution.inherits {
      provenance.endUser = Provenance.Origin(.session)
      provenance.endUser?.trace = attribution.namingTrace
    }
    if provenance.session == nil, attribution.session != nil { provenance.session = Provenance.Origin(.trace) }
    try hideForgotten(&provenance, in: database)
    return provenance
  }

  /// Other users' traces may name one who was forgotten since.
  private func hideForgotten(_ provenance: inout Provenance, in database: Database) throws(LedgerError) {
    let forgotten = try ForgottenUsers(database, .refuse)
    if forgotten.isEmpty { return }
    // What such a span says about its end user goes with the name.
    var spans: Set<UInt64> = []
    let named =
      provenance.replaced.map { ($0.span, $0.role, $0.value) } + provenance.unused.map { ($0.span, $0.role, $0.value) }
    for (span, role, value) in named where role == .endUserID {
      guard let value else { continue }
      if case .welcome = try forgotten.verdict(on: value) { continue }
      spans.insert(span)
    }
    for place in provenance.replaced.indices where spans.contains(provenance.replaced[place].span) {
      provenance.replaced[place].value = nil
    }
    for place in provenance.unused.indices where spans.contains(provenance.unused[place].span) {
      provenance.unused[place].value = nil
    }
  }

  /// Whether spans of a trace are refused because they would be those of a forgotten end user.
  func isRefused(_ trace: String) throws(LedgerQueryError) -> Bool {
    guard let id = TraceIDRange(trace), id.first == id.last else { return false }
    return try pool.read { database throws(LedgerError) in
      try database.int("SELECT 1 FROM refused WHERE trace = ?1", [.blob(id.first)]) != nil
    }
  }
}

/// Whom the ledger attributed a trace to.
private struct Attribution {
  private var ownUser: String?
  private(set) var session: String?
  /// Whether the end user is the session's.
  private(set) var inherits = false
  /// The trace that the session has its end user from.
  private(set) var namingTrace: String?

  init(_ trace: Int64, in database: Database) throws(LedgerError) {
    try database.forEach(
      """
      SELECT u.name, s.name, t.own_user IS NULL AND t.user IS NOT NULL, n.trace FROM traces t
      LEFT JOIN users u ON u.id = t.own_user LEFT JOIN sessions s ON s.id = t.session
      LEFT JOIN traces n ON n.id = s.user_trace WHERE t.id = ?1
      """, [.int(trace)]
    ) { row in
      ownUser = row.optionalText(0)
      session = row.optionalText(1)
      inherits = row.int(2) == 1
      if !row.isNull(3) { namingTrace = Hexadecimal.text(row.bytes(3)) }
    }
  }

  /// The explanation that leads to what the row says: with which fallback the trace was attributed is not written down, and
  /// the configuration may have changed since.
  func explain(_ records: [UInt8]) -> Provenance {
    func explain(_ fallback: EndUserConfiguration.Fallback) -> Provenance {
      var reader = TraceFactsReader(prices: PriceTable(builtIn: false, overrides: []), fallback: fallback)
      return records.withUnsafeBytes { reader.explain($0) }
    }
    let usual = explain(.topmost)
    if leads(usual) { return usual }
    let other = explain(.none)
    return leads(other) ? other : usual
  }

  private func leads(_ provenance: Provenance) -> Bool {
    provenance.endUserID == ownUser && (provenance.sessionID == nil || provenance.sessionID == session)
  }
}
