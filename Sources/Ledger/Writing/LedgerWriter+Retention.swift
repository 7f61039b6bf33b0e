import Locks

/// What is old goes.
extension LedgerWriter {
  /// Rows that are looked at in one transaction.
  private static let slice = 1000

  /// Removes some of the traces that are too old or too many; never those that got a span within the dedup window.
  ///
  /// - Returns: whether there is more to do.
  func retain() throws(LedgerError) -> (tally: Tally, isUnfinished: Bool) {
    var isUnfinished = false
    let time = now()
    let horizon = time - Int64(clamping: configuration.dedupWindow.nanoseconds)
    let tally = try transaction { () throws(LedgerError) in
      isUnfinished = try removeOldTraces(time: time, horizon: horizon)
      try forgotten.prune(before: horizon)
      if isMoving {
        try moveOn()
        isUnfinished = isUnfinished || isMoving
      }
    }
    return (tally, isUnfinished)
  }

  /// Whether there is any limit to look after.
  var hasRetention: Bool { configuration.maxAge != nil || configuration.maxTraces != nil }

  private func removeOldTraces(time: Int64, horizon: Int64) throws(LedgerError) -> Bool {
    guard hasRetention else { return false }
    let oldest = configuration.maxAge.map { time - Int64(clamping: $0.nanoseconds) } ?? .min
    // What waits for a trace goes when the trace would have gone.
    let waited = try accounts.scores.removeWaiting(
      before: min(max(oldest, newestRemoved), horizon), limit: Self.slice)
    let hasMore = waited == Self.slice
    var excess =
      try configuration.maxTraces.map { (limit) throws(LedgerError) in
        try accounts.users.account(0).totals.traces - Int64(limit)
      } ?? 0
    let place = retentionPlace ?? Moment(start: .min, trace: .min)
    var candidates: [TraceRow] = []
    try database.forEach(
      """
      SELECT \(TraceRow.columns) FROM traces WHERE start > ?1 OR (start = ?1 AND id > ?2) ORDER BY start, id LIMIT ?3
      """, [.int(place.start), .int(place.trace), .int(Int64(Self.slice))]
    ) { candidates.append(TraceRow($0)) }
    for row in candidates {
      guard row.start < oldest || excess > 0 else {
        retentionPlace = nil
        return hasMore
      }
      retentionPlace = row.moment
      if row.updated > horizon { continue }
      try remove(row)
      newestRemoved = max(newestRemoved, row.start)
      excess -= 1
    }
    if candidates.count == Self.slice { return true }
    retentionPlace = nil
    return hasMore
  }
}
