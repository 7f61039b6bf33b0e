/// The trace ids that begin with some digits.
struct TraceIDRange {
  /// The first and the last of them, 16 bytes each.
  let first: [UInt8]
  let last: [UInt8]

  private static let digits = 32
  /// So many may stand for the whole id.
  static let fewestDigits = 6
  /// Ids that are told to whoever has to choose.
  private static let mostTold: Int64 = 4

  /// nil for what is no beginning of an id, or too short a one.
  init?(_ text: String) {
    guard Self.fewestDigits...Self.digits ~= text.utf8.count else { return nil }
    let missing = Self.digits - text.utf8.count
    guard let first = Hexadecimal.bytes(text + String(repeating: "0", count: missing), count: Self.digits / 2),
      let last = Hexadecimal.bytes(text + String(repeating: "f", count: missing), count: Self.digits / 2)
    else { return nil }
    self.first = first
    self.last = last
  }

  /// The traces that there are, by their rows; not all where they are many.
  func traces(in database: Database) throws(LedgerError) -> [(row: Int64, id: String)] {
    var traces: [(row: Int64, id: String)] = []
    let sql = "SELECT id, trace FROM traces WHERE trace BETWEEN ? AND ? ORDER BY trace LIMIT ?"
    try database.forEach(sql, [.blob(first), .blob(last), .int(Self.mostTold)]) { row in
      traces.append((row.int(0), Hexadecimal.text(row.bytes(1))))
    }
    return traces
  }
}
