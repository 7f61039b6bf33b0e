extension LedgerReader {
  private static let mostTopUsers = 10
  private static let mostUnpriced = 1000

  /// Everything, or what there was in a time: traces with a timestamp in it, users and sessions that were active in it.
  package func overview(since: Int64? = nil, until: Int64? = nil) throws(LedgerQueryError) -> Overview {
    try pool.read { database throws(LedgerError) in
      var overview = Overview()
      if since == nil, until == nil {
        try Self.sumUpEverything(&overview, database)
        overview.unpriced = try Self.unpriced(database)
      } else {
        let bounds: [SQLValue] = [.int(since ?? .min), .int(until ?? .max)]
        try Self.sumUp(&overview, bounds, database)
        overview.unpriced = try Self.unpriced(within: bounds, database)
      }
      try Self.compareUsers(&overview, since, until, database)
      return overview
    }
  }

  private static func sumUpEverything(_ overview: inout Overview, _ database: Database) throws(LedgerError) {
    let sql = """
      SELECT u.traces, \(ListShape.amounts("u")), u.first_event, u.last_event, u.p50, u.p95, u.p99
      FROM users u WHERE u.id = 0
      """
    try database.forEach(sql) { row in
      var columns = RowReader(row)
      overview.traces = columns.int()
      overview.amounts = columns.amounts()
      overview.firstEvent = columns.optionalInt()
      overview.lastEvent = columns.optionalInt()
      overview.latency = columns.percentiles()
    }
    overview.sessions = try database.int("SELECT count(*) FROM sessions") ?? 0
    let owned = try database.int("SELECT sum(traces) FROM users WHERE id > 0") ?? 0
    overview.anonymousTraces = overview.traces - owned
  }

  private static func sumUp(
    _ overview: inout Overview, _ bounds: [SQLValue], _ database: Database
  ) throws(LedgerError) {
    let sql = """
      SELECT count(*), sum(observations), sum(errors), sum(input), sum(output), sum(total), sum(cache_read),
        sum(cache_write), sum(reasoning), sum(cost), min(start), max(start), count(*) - count(user)
      FROM traces WHERE start >= ? AND start < ?
      """
    try database.forEach(sql, bounds) { row in
      var columns = RowReader(row)
      overview.traces = columns.int()
      overview.amounts = columns.amounts()
      overview.firstEvent = columns.optionalInt()
      overview.lastEvent = columns.optionalInt()
      overview.anonymousTraces = columns.int()
    }
    var sketch = LatencySketch()
    try database.forEach("SELECT latency FROM traces WHERE start >= ? AND start < ?", bounds) { row in
      sketch.add(row.int(0))
    }
    overview.latency = Percentiles(
      p50: sketch.percentile(0.50), p95: sketch.percentile(0.95), p99: sketch.percentile(0.99))
    overview.sessions =
      try database.int("SELECT count(*) FROM sessions WHERE last_event >= ? AND first_event < ?", bounds) ?? 0
  }

  /// One walk over the users for all of it.
  private static func compareUsers(
    _ overview: inout Overview, _ since: Int64?, _ until: Int64?, _ database: Database
  ) throws(LedgerError) {
    var histograms = Dictionary(uniqueKeysWithValues: Overview.Measure.allCases.map { ($0, Histogram()) })
    var tops = Dictionary(uniqueKeysWithValues: Overview.Measure.allCases.map { ($0, Top(most: mostTopUsers)) })
    var count: Int64 = 0
    let sql = """
      SELECT id, traces, iif(total_known > 0, total, NULL), iif(cost_known > 0, cost, NULL) FROM users
      WHERE id > 0 AND traces > 0 AND last_event >= ? AND first_event < ?
      """
    try database.forEach(sql, [.int(since ?? .min), .int(until ?? .max)]) { row in
      count += 1
      let id = row.int(0)
      for (measure, column) in [(Overview.Measure.traces, 1), (.tokens, 2), (.cost, 3)] {
        let value = row.optionalInt(column)
        histograms[measure]?.add(value)
        if let value { tops[measure]?.add(id, value) }
      }
    }
    overview.users = count
    overview.distribution = histograms
    for (measure, top) in tops {
      var users: [ListedUser] = []
      for id in top.ids { if let user = try database.user(id) { users.append(user) } }
      overview.top[measure] = users
    }
  }

  private static func unpriced(_ database: Database) throws(LedgerError) -> [(model: String, calls: Int64)] {
    let sql = """
      SELECT n.name, p.calls FROM unpriced p JOIN names n ON n.id = p.model WHERE p.calls > 0
      ORDER BY p.calls DESC, n.name LIMIT ?
      """
    var models: [(model: String, calls: Int64)] = []
    try database.forEach(sql, [.int(Int64(mostUnpriced))]) { models.append(($0.text(0), $0.int(1))) }
    return models
  }

  private static func unpriced(
    within bounds: [SQLValue], _ database: Database
  ) throws(LedgerError) -> [(model: String, calls: Int64)] {
    var calls: [Int64: Int64] = [:]
    let sql = "SELECT unpriced FROM traces WHERE start >= ? AND start < ? AND unpriced IS NOT NULL"
    try database.forEach(sql, bounds) { row in
      for each in UnpricedCalls.calls(in: row.withBytes(0) { UnpricedCalls.withoutPadding($0) }) {
        calls[each.model, default: 0] += each.calls
      }
    }
    var models: [(model: String, calls: Int64)] = []
    for (model, calls) in calls {
      try database.forEach("SELECT name FROM names WHERE id = ?", [.int(model)]) { models.append(($0.text(0), calls)) }
    }
    models.sort { ($1.calls, $0.model) < ($0.calls, $1.model) }
    return Array(models.prefix(mostUnpriced))
  }
}

/// The few with the largest values; of equal ones those that came first.
private struct Top {
  private let most: Int
  private var entries: [(id: Int64, value: Int64)] = []

  init(most: Int) {
    self.most = most
  }

  var ids: [Int64] { entries.map(\.id) }

  mutating func add(_ id: Int64, _ value: Int64) {
    if entries.count == most, let least = entries.last, least.value >= value { return }
    let place = entries.firstIndex { $0.value < value } ?? entries.count
    entries.insert((id, value), at: place)
    if entries.count > most { entries.removeLast() }
  }
}
