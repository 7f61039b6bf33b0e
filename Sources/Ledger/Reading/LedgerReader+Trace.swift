extension LedgerReader {
  /// A trace with its spans; nil for one that the ledger doesn't know.
  ///
  /// - Parameters:
  ///   - trace: its id of 32 hexadecimal digits, or the first of them, 6 at least, where no other id begins so.
  ///   - spans: which of its spans are wanted, one by one; nil for all, as a tree.
  ///   - bodies: which of the spans that were kept whole are wanted with it; nil for none.
  ///   - why: whether it is wanted why the trace is whose it is.
  /// - Returns: the trace, or nil.
  /// - Throws: LedgerQueryError, also when several traces' ids begin so.
  package func trace(
    _ trace: String, spans: SpanQuery? = nil, bodies: BodiesQuery? = nil, why: Bool = false
  ) throws(LedgerQueryError) -> TraceDetail? {
    guard let range = TraceIDRange(trace) else { return nil }
    let cursor = try bodies?.place()
    let (found, detail) = try pool.read { database throws(LedgerError) -> ([String], TraceDetail?) in
      let found = try range.traces(in: database)
      guard found.count == 1, let row = found.first?.row else { return (found.map(\.id), nil) }
      var names = NameCache()
      guard let listed = try database.trace(row, &names) else { return ([], nil) }
      let records = try Trees.records(of: row, in: database)
      var detail = TraceDetail(
        trace: listed,
        spans: spans.map { SpanNode.list(of: records, in: listed, prices: prices, $0) }
          ?? SpanNode.forest(of: records, prices: prices),
        omitted: try database.int("SELECT omitted FROM traces WHERE id = ?", [.int(row)]) ?? 0)
      if let bodies { detail.bodies = try bodies.page(of: row, behind: cursor, in: database) }
      if why { detail.why = try provenance(of: row, records, in: database) }
      return ([], detail)
    }
    if !found.isEmpty { throw Self.ambiguous(trace, found) }
    return detail
  }

  static func ambiguous(_ trace: String, _ found: [String]) -> LedgerQueryError {
    .invalid("trace: several ids begin with “\(trace)”, as \(found.joined(separator: ", ")); give more digits")
  }
}

/// Which of a trace's spans that were kept whole are wanted: a page of them, by bytes.
package struct BodiesQuery: Sendable {
  /// `Page.nextCursor` of the page before.
  package var cursor: String?

  package init(cursor: String? = nil) {
    self.cursor = cursor
  }

  /// Bytes of spans from which on a page is full. As JSON they may be several times that.
  var pageBytes = 8 << 20

  private static let fingerprint: UInt64 = {
    var fingerprint = Fingerprint()
    fingerprint.add("bodies")
    return fingerprint.value
  }()

  /// The span behind which the page begins.
  fileprivate func place() throws(LedgerQueryError) -> Cursor? {
    guard let cursor else { return nil }
    guard let place = Cursor(cursor, of: Self.fingerprint), case .int = place.value else {
      throw .invalid("cursor: it is none of a trace's whole spans")
    }
    return place
  }

  /// `Span` messages as they came, in the order of their ids.
  fileprivate func page(
    of trace: Int64, behind cursor: Cursor?, in database: Database
  ) throws(LedgerError) -> Page<[UInt8]> {
    var page = Page<[UInt8]>(rows: [], nextCursor: nil)
    var byteCount = 0
    var last: Int64?
    let behind = cursor == nil ? "" : " AND span > ?"
    let statement = try database.statement("SELECT span, body FROM bodies WHERE trace = ?\(behind) ORDER BY span")
    defer { statement.reset() }
    statement.bind([.int(trace)] + (cursor.map { [$0.value] } ?? []))
    while try statement.step() {
      if byteCount >= pageBytes, let last {
        page.nextCursor = Cursor(value: .int(last), row: trace).text(of: Self.fingerprint)
        break
      }
      page.rows.append(statement.bytes(1))
      byteCount += page.rows.last?.count ?? 0
      last = statement.int(0)
    }
    return page
  }
}
