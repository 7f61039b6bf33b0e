import Filters
import Testing

@testable import Ledger

/// How SQLite goes about the lists: by an index, in its order, whatever else is in the ledger.
@Suite struct QueryPlanTests {
  private func plan(
    _ shape: ListShape, _ scope: ListShape.Scope? = nil, _ query: LedgerQuery = LedgerQuery()
  ) throws -> [String] {
    let ledger = try WrittenLedger([SampleSpan(trace: 1, span: 1, start: midnight, user: "a", session: "s")])
    let reader = try ledger.reader()
    let question = try PageQuery(shape, scope, query)
    var lines: [String] = []
    try reader.pool.read { database throws(LedgerError) in
      try database.forEach("EXPLAIN QUERY PLAN " + question.sql, question.parameters) { lines.append($0.text(3)) }
    }
    return lines
  }

  private func expect(_ plan: [String], by index: String, _ place: SourceLocation = #_sourceLocation) {
    #expect(plan.first?.contains(" INDEX \(index)") == true, "\(plan)", sourceLocation: place)
    #expect(!plan.contains { $0.contains("TEMP B-TREE") }, "\(plan)", sourceLocation: place)
    // What is joined is found by its id.
    for line in plan.dropFirst() where line.hasPrefix("S") && !line.hasPrefix("SCALAR") {
      #expect(line.hasPrefix("SEARCH"), "\(plan)", sourceLocation: place)
    }
  }

  @Test func `the first pages need no sort`() throws {
    expect(try plan(.users), by: "users_by_last_event")
    expect(try plan(.sessions), by: "sessions_by_last_event")
    expect(try plan(.traces), by: "traces_by_start")
  }

  @Test func `nor do those of one user or session`() throws {
    expect(try plan(.traces, ListShape.Scope("t.user", of: "users", named: "a")), by: "traces_by_user")
    expect(try plan(.sessions, ListShape.Scope("s.user", of: "users", named: "a")), by: "sessions_by_user")
    let turns = ListShape.Scope("t.session", of: "sessions", named: "s")
    expect(try plan(.traces, turns, LedgerQuery(sort: "timestamp:asc")), by: "traces_by_session")
  }

  @Test func `nor do scores, of whomever and of a name`() throws {
    expect(try plan(.scores), by: "scores_by_time")
    expect(try plan(.scores, ListShape.Scope("sc.user", of: "users", named: "a")), by: "scores_by_user")
    expect(try plan(.scores, ListShape.Scope("sc.session", of: "sessions", named: "s")), by: "scores_by_session")
    expect(try plan(.scores, ListShape.Scope("sc.trace", ofTrace: [])), by: "scores_by_trace")
    var query = LedgerQuery(since: 5, until: 9)
    query.filter = try Filter(parsing: "score:helpful < 0.5")
    expect(try plan(.scores, nil, query), by: "scores_by_name")
  }

  @Test func `nor do bounds, ids and the pages behind`() throws {
    expect(try plan(.traces, nil, LedgerQuery(since: 5, until: 9)), by: "traces_by_start")
    expect(try plan(.users, nil, LedgerQuery(since: 5, until: 9)), by: "users_by_last_event")
    expect(try plan(.users, nil, LedgerQuery(sort: "id")), by: "sqlite_autoindex_users_1")
    expect(try plan(.traces, nil, LedgerQuery(sort: "id")), by: "sqlite_autoindex_traces_1")

    let ledger = try WrittenLedger((1...4).map { SampleSpan(trace: $0, span: 1, start: midnight + $0) })
    let cursor = try #require(try ledger.reader().traces(LedgerQuery(limit: 2)).nextCursor)
    let behind = try plan(.traces, nil, LedgerQuery(cursor: cursor))
    expect(behind, by: "traces_by_start")
    #expect(behind.first?.hasPrefix("SEARCH t USING COVERING INDEX traces_by_start (start<?") == true, "\(behind)")
  }
}
