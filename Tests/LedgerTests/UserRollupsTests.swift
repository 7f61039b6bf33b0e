import Facts
import TestSupport
import Testing

@testable import Ledger

/// The figures of end users, each trace in one of them.
@Suite struct UserRollupsTests {
  private static let bounds: [Int64] = [1_000_000, 1_000_000_000, 60_000_000_000]

  private func sum(_ rollups: [UserRollup]) -> [Int64?] {
    func added(_ value: (UserRollup) -> Int64?) -> Int64? {
      let known = rollups.compactMap(value)
      return known.isEmpty ? nil : known.reduce(0, +)
    }
    return [
      added(\.traces), added(\.sessions), added(\.amounts.observations), added(\.amounts.errors), added(\.amounts.cost),
      added(\.amounts.tokens.input), added(\.amounts.tokens.output), added(\.amounts.tokens.total),
      added(\.amounts.tokens.cacheRead), added(\.amounts.tokens.cacheWrite), added(\.amounts.tokens.reasoning),
      added(\.latencies.count),
    ] + (0...Self.bounds.count).map { place in added { $0.latencies.counts[place] } }
  }

  @Test(arguments: [1, 3, 1_000_000]) func `however many are told apart, all together are all traces`(limit: Int) throws
  {
    var random = SeededGenerator(seed: 5)
    let fixture = try LedgerFixture()
    let writer = try fixture.writer()
    try writer.apply([Arrival(Array(SpanSource.traces(&random, count: 800).prefix(4000)))])
    let reader = try LedgerReader(path: fixture.configuration.path)
    let rollups = try reader.userRollups(limit: limit, bounds: Self.bounds)
    let all = rollups.users + [rollups.others, rollups.nobody].compactMap { $0 }
    let names = try fixture.rows("SELECT name FROM users WHERE id > 0 ORDER BY id")
    #expect(rollups.users.map(\.endUser) == Array(names.prefix(limit)))
    #expect(rollups.othersCount == max(names.count - limit, 0))
    #expect((rollups.others == nil) == (names.count <= limit))
    let told = ["cost", "input", "output", "total", "cache_read", "cache_write", "reasoning"].map {
      "iif(\($0)_known > 0, \($0), NULL)"
    }
    let everybody = try fixture.rows(
      """
      SELECT traces, (SELECT count(*) FROM sessions), observations, errors, \(told.joined(separator: ", ")), traces
      FROM users WHERE id = 0
      """)
    #expect(sum(all).prefix(12).map { $0.map(String.init) ?? "-" }.joined(separator: "|") == everybody[0])
    #expect(all.allSatisfy { $0.latencies.counts.reduce(0, +) == $0.traces && $0.latencies.count == $0.traces })
    // Those of one user are those of the list.
    for rollup in rollups.users {
      let user = try #require(try reader.user(rollup.endUser)?.user)
      #expect(rollup.amounts == user.summary.amounts)
      #expect(rollup.sessions == user.sessions)
      #expect(rollup.traces == user.summary.traces)
    }
  }

  @Test func `latencies lie between their bounds`() {
    var random = SeededGenerator(seed: 6)
    let latencies = (0..<5000).map { _ in
      Int64.random(in: 0...(1 << Int64.random(in: 1...40, using: &random)), using: &random)
    }
    var sketch = LatencySketch()
    for latency in latencies { sketch.add(latency) }
    let histogram = sketch.histogram(bounds: Self.bounds)
    #expect(histogram.count == 5000)
    let total = latencies.reduce(0.0) { $0 + Double($1) }
    #expect(abs(histogram.sum - total) <= total * 0.0101)
    for (place, bound) in Self.bounds.enumerated() {
      let below = histogram.counts[...place].reduce(0, +)
      let (least, most) = (Double(bound) * 0.99, Double(bound) * 1.01)
      #expect(below >= latencies.count { Double($0) <= least })
      #expect(below <= latencies.count { Double($0) <= most })
    }
  }

  @Test func `a ledger counts since it was made, or since its first trace`() throws {
    let fixture = try LedgerFixture()
    let before = LedgerWriter.wallClock()
    let writer = try fixture.writer()
    try writer.apply([Arrival([TestSpan(trace: 1, endUser: "ada")])])
    func since() throws -> Int64 {
      try LedgerReader(path: fixture.configuration.path).userRollups(limit: 1, bounds: []).since
    }
    #expect(try before...LedgerWriter.wallClock() ~= since())
    // As an older version has left it.
    let database = try Database(path: fixture.configuration.path, mode: .readWrite)
    try database.execute("DELETE FROM properties WHERE key = 'counted_since'; DROP TABLE open_sessions")
    try database.execute(Schema.openSessions.sql)
    try Schema.openSessions.fill(database)
    #expect(try since() == 1_700_000_000_000_000_000)
  }
}
