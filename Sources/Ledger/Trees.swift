/// Where the records of a trace's spans lie: in parts, so that a large trace that grows is not written anew each time, and
/// what is written once never has to make room.
enum Trees {
  /// Bytes from which on a later part grows no more: what still fits into a page of the file.
  static let partSize = 4 << 10
  /// Parts that a trace has at most; the last one grows without end.
  static let maxParts: Int64 = 1 << 16

  /// Where a later part lies: the first one is number 1.
  static func id(trace: Int64, part: Int64) -> Int64 { trace << 16 | part }

  /// All records of a trace, in the order in which they came.
  static func records(of trace: Int64, in database: Database) throws(LedgerError) -> [UInt8] {
    try parts(of: trace, in: database).records
  }

  /// The row with a trace's first part, if it has one: see `TreeRow`.
  static let findRow = "SELECT id, records FROM trees WHERE id <= ?1 ORDER BY id DESC LIMIT 1"

  /// The records, with the number of the last part, 0 for the first, and where it begins in them.
  static func parts(of trace: Int64, in database: Database) throws(LedgerError) -> (
    records: [UInt8], last: Int64, start: Int
  ) {
    var records: [UInt8] = []
    var last: Int64 = 0
    var start = 0
    try database.forEach(findRow, [.int(trace)]) { row in
      row.withBytes(1) { bytes in
        var places = TreeRow(row.int(0), bytes)
        while let place = places.next(), place.trace <= trace {
          if place.trace == trace { records = Array(bytes[place.tree]) }
        }
      }
    }
    let range = [id(trace: trace, part: 0), id(trace: trace, part: maxParts - 1)].map(SQLValue.int)
    try database.forEach("SELECT id, records FROM tree_parts WHERE id BETWEEN ?1 AND ?2 ORDER BY id", range) { row in
      last = row.int(0) & (maxParts - 1)
      start = records.count
      row.withBytes(1) { records.append(contentsOf: $0) }
    }
    return (records, last, start)
  }
}
