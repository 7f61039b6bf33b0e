/// Where the records of a trace's spans lie: in parts, so that a large trace that grows is not written anew each time.
enum Trees {
  /// Bytes from which on a part grows no more: what still fits into a page of the file.
  static let partSize = 4 << 10
  /// Parts that a trace has at most; the last one grows without end.
  static let maxParts: Int64 = 1 << 16

  static func id(trace: Int64, part: Int64) -> Int64 { trace << 16 | part }

  /// All records of a trace, in the order in which they came.
  static func records(of trace: Int64, in database: Database) throws(LedgerError) -> [UInt8] {
    try parts(of: trace, in: database).records
  }

  /// The records, with the number of the last part (-1 without any) and where it begins in them.
  static func parts(of trace: Int64, in database: Database) throws(LedgerError) -> (
    records: [UInt8], last: Int64, start: Int
  ) {
    var records: [UInt8] = []
    var last: Int64 = -1
    var start = 0
    let parts = try database.statement("SELECT id, records FROM trees WHERE id BETWEEN ?1 AND ?2 ORDER BY id")
    defer { parts.reset() }
    parts.bind(1, id(trace: trace, part: 0))
    parts.bind(2, id(trace: trace, part: maxParts - 1))
    while try parts.step() {
      last = parts.int(0) & (maxParts - 1)
      start = records.count
      parts.withBytes(1) { records.append(contentsOf: $0) }
    }
    return (records, last, start)
  }
}
