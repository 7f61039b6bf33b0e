import Facts

/// What traces of one end user come to, to be told as metrics.
package struct UserRollup: Sendable, Equatable {
  /// Tells the row from all others, also from those that were before it. 0 and less for what is no row.
  package var id: Int64
  /// Empty for what is not one end user's.
  package var endUser = ""
  package var traces: Int64 = 0
  package var sessions: Int64 = 0
  package var amounts = Amounts()
  package var latencies = LatencyHistogram()
}

/// Latencies between bounds.
package struct LatencyHistogram: Sendable, Equatable {
  /// Traces up to each bound and above the one before it; last, those above all of them.
  package var counts: [Int64] = []
  /// Of all of them.
  package var count: Int64 = 0
  /// Of all latencies, in nanoseconds, right within 1 %.
  package var sum = 0.0
}

/// What all traces of a ledger come to, each counted once.
package struct UserRollups: Sendable, Equatable {
  /// Since when the ledger counts, in nanoseconds since the Unix epoch.
  package var since: Int64
  /// Those whom the ledger has known for longest.
  package var users: [UserRollup] = []
  /// All other end users together; nil without any.
  package var others: UserRollup?
  /// How many these are.
  package var othersCount = 0
  /// Traces without an end user; nil without any.
  package var nobody: UserRollup?
}

extension LedgerReader {
  /// What the traces of end users come to, at one moment.
  ///
  /// - Parameters:
  ///   - limit: how many end users are told apart.
  ///   - bounds: of the latencies, in nanoseconds, the lowest first.
  /// - Returns: each trace of the ledger in one of them.
  /// - Throws: LedgerQueryError.
  package func userRollups(limit: Int, bounds: [Int64]) throws(LedgerQueryError) -> UserRollups {
    try pool.read { (database) throws(LedgerError) in
      let since = try database.int("SELECT value FROM properties WHERE key = 'counted_since'")
      var rollups = UserRollups(since: since ?? 0)
      var (named, others, nobody) = (Group(), Group(), Group())
      try database.forEach(
        """
        SELECT id, name, latencies, sessions, \(Totals.columns.joined(separator: ", "))
        FROM users WHERE traces > 0 ORDER BY id
        """
      ) { row in
        let group = Group(row)
        if row.int(0) == 0 {
          nobody = group
        } else if rollups.users.count < limit {
          named.add(group)
          rollups.users.append(group.rollup(id: row.int(0), endUser: row.text(1), bounds: bounds))
        } else {
          others.add(group)
          rollups.othersCount += 1
        }
      }
      // The first row has everybody's traces, with and without an end user.
      nobody.add(named, -1)
      nobody.add(others, -1)
      nobody.sessions = try database.int("SELECT count(*) FROM sessions WHERE user IS NULL AND traces > 0") ?? 0
      if nobody.totals.traces > 0 { rollups.nobody = nobody.rollup(id: 0, endUser: "", bounds: bounds) }
      if rollups.othersCount > 0 { rollups.others = others.rollup(id: -1, endUser: "", bounds: bounds) }
      return rollups
    }
  }
}

/// Sums of one user or of several.
private struct Group {
  var totals = Totals()
  var sessions: Int64 = 0
  var latencies = LatencySketch()

  init() {}

  init(_ row: Statement) {
    latencies = row.withBytes(2) { LatencySketch($0) } ?? LatencySketch()
    sessions = row.int(3)
    totals = Totals(row, from: 4)
  }

  /// Puts another one on (`sign` 1) or takes it off (-1).
  mutating func add(_ other: Group, _ sign: Int64 = 1) {
    totals.add(other.totals, sign)
    sessions += other.sessions * sign
    for bucket in other.latencies.buckets { latencies.add(bucket: bucket.number, bucket.count * sign) }
  }

  func rollup(id: Int64, endUser: String, bounds: [Int64]) -> UserRollup {
    UserRollup(
      id: id, endUser: endUser, traces: totals.traces, sessions: sessions, amounts: Amounts(totals),
      latencies: latencies.histogram(bounds: bounds))
  }
}

extension Amounts {
  /// What nobody told is unknown, not zero.
  fileprivate init(_ totals: Totals) {
    func told(_ sum: Sum) -> Int64? { sum.known > 0 ? sum.value : nil }
    self.init(observations: totals.observations, errors: totals.errors, cost: told(totals.cost))
    tokens.input = told(totals.input)
    tokens.output = told(totals.output)
    tokens.total = told(totals.total)
    tokens.cacheRead = told(totals.cacheRead)
    tokens.cacheWrite = told(totals.cacheWrite)
    tokens.reasoning = told(totals.reasoning)
  }
}
