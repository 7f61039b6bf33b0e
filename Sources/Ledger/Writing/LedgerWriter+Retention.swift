import Locks

/// A search for traces that are too old or too many, from the oldest on, a slice with each transaction.
struct RetentionSearch {
  /// The latest trace that was looked at.
  var place = Moment(start: .min, trace: .min)
  /// The oldest trace that is not one too many.
  let end: Moment
}

/// What is old goes.
extension LedgerWriter {
  /// Rows that are looked at in one transaction.
  static let retentionSlice = 1000

  /// Removes some of the traces that are too old or too many; never those that got a span within the dedup window: they go later,
  /// and nothing newer in their place.
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
      before: min(max(oldest, newestRemoved), horizon), limit: Self.retentionSlice)
    let hasMore = waited == Self.retentionSlice
    var excess =
      try configuration.maxTraces.map { (limit) throws(LedgerError) in
        try accounts.users.account(0).totals.traces - Int64(limit)
      } ?? 0
    var search = try search(excess: excess)
    var candidates: [TraceRow] = []
    try database.forEach(
      """
      SELECT \(TraceRow.columns) FROM traces WHERE start > ?1 OR (start = ?1 AND id > ?2) ORDER BY start, id LIMIT ?3
      """, [.int(search.place.start), .int(search.place.trace), .int(Int64(Self.retentionSlice))]
    ) { candidates.append(TraceRow($0)) }
    for row in candidates {
      // Fewer than at first may be too many by now.
      guard row.start < oldest || excess > 0 && row.moment < search.end else {
        retention = nil
        return hasMore
      }
      search.place = row.moment
      if row.updated > horizon { continue }
      try remove(row)
      newestRemoved = max(newestRemoved, row.start)
      excess -= 1
    }
    retention = candidates.count == Self.retentionSlice ? search : nil
    return retention != nil || hasMore
  }

  /// The one that is under way, else a new one that takes so many of the oldest traces for too many.
  private func search(excess: Int64) throws(LedgerError) -> RetentionSearch {
    if let retention { return retention }
    guard excess > 0 else { return RetentionSearch(end: Moment(start: .min, trace: .min)) }
    var end = Moment(start: .max, trace: .max)
    try database.forEach("SELECT start, id FROM traces ORDER BY start, id LIMIT 1 OFFSET ?1", [.int(excess)]) {
      end = Moment(start: $0.int(0), trace: $0.int(1))
    }
    return RetentionSearch(end: end)
  }
}
