extension Day {
  /// A user's days that lie within a time at least in part, the earliest first; of very many the latest.
  static func all(
    of user: Int64, since: Int64?, until: Int64?, in database: Database
  ) throws(LedgerError) -> [Day] {
    var days: [Day] = []
    let sql = """
      SELECT d.day, d.traces, \(ListShape.amounts("d")) FROM days d
      WHERE d.user = ? AND d.day BETWEEN ? AND ? AND d.traces > 0 ORDER BY d.day DESC LIMIT ?
      """
    // The end is no part of the time.
    let last = until.map { $0 > .min ? LedgerTime.day(of: $0 - 1) : .min } ?? .max
    let bounds: [SQLValue] = [.int(since.map(LedgerTime.day) ?? .min), .int(last)]
    try database.forEach(sql, [.int(user)] + bounds + [.int(mostDays)]) { row in
      var columns = RowReader(row)
      days.append(Day(day: columns.int(), traces: columns.int(), amounts: columns.amounts()))
    }
    return days.reversed()
  }

  /// More than ten years; who invents times gets no longer answers.
  private static let mostDays: Int64 = 4000
}
