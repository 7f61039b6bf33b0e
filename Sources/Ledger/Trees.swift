/// Reads where the records of a trace's spans lie: the first part in a row that other traces may share (see `TreeRow`), what came
/// later in parts of its own, so that a large trace that grows is not written anew each time, and what is written once never
/// has to make room.
struct Trees {
  /// Bytes from which on a later part grows no more: what still fits into a page of the file.
  static let partSize = 4 << 10
  /// Parts that a trace has at most; the last one grows without end.
  static let maxParts: Int64 = 1 << 16

  /// Where a later part lies: the first one is number 1.
  static func id(trace: Int64, part: Int64) -> Int64 { trace << 16 | part }

  /// All records of a trace, in the order in which they came.
  static func records(of trace: Int64, in database: Database) throws(LedgerError) -> [UInt8] {
    try Trees(database).parts(of: trace).records
  }

  private let row: Statement
  private let parts: Statement

  init(_ database: Database) throws(LedgerError) {
    row = try database.statement("SELECT id, records FROM trees WHERE id <= ?1 ORDER BY id DESC LIMIT 1")
    parts = try database.statement("SELECT id, records FROM tree_parts WHERE id BETWEEN ?1 AND ?2 ORDER BY id")
  }

  /// The records, with the number of the last part, 0 for the first, and where it begins in them.
  func parts(of trace: Int64) throws(LedgerError) -> (records: [UInt8], last: Int64, start: Int) {
    var records: [UInt8] = []
    try withRow(of: trace) { row, bytes in
      var places = TreeRow(row, bytes)
      while let place = places.next(), place.trace <= trace {
        if place.trace == trace { records = Array(bytes[place.tree]) }
      }
    }
    var last: Int64 = 0
    var start = 0
    parts.bind(1, Self.id(trace: trace, part: 0))
    parts.bind(2, Self.id(trace: trace, part: Self.maxParts - 1))
    defer { parts.reset() }
    while try parts.step() {
      last = parts.int(0) & (Self.maxParts - 1)
      start = records.count
      parts.withBytes(1) { records.append(contentsOf: $0) }
    }
    return (records, last, start)
  }

  /// Lends the row of `trees` that has the trace's first part, if there is one: its id and its `records`.
  @discardableResult
  func withRow<Result>(
    of trace: Int64, _ body: (Int64, UnsafeRawBufferPointer) -> Result
  ) throws(LedgerError) -> Result? {
    row.bind(1, trace)
    defer { row.reset() }
    guard try row.step() else { return nil }
    let id = row.int(0)
    return row.withBytes(1) { body(id, $0) }
  }
}
