import OTLP
import Testing

@testable import Filters
@testable import Ledger

@Suite struct FilterSQLTests {
  private static let all: [Filter.Field] =
    RandomFilter.spanFields + [.traces, .sessions, .observations, .errors, .firstEvent, .lastEvent]

  /// Those whose rows specimens are.
  private static let views: [LedgerView] = [.users, .sessions, .traces]

  private static func fields(of view: LedgerView) -> [Filter.Field] {
    switch view {
    case .users: all
    case .sessions: all.filter { $0 != .sessions }
    case .traces, .scores: all.filter { $0 != .sessions && $0 != .traces }
    }
  }

  @Test(arguments: views)
  func `random filters choose the rows that a naive reading of them chooses`(_ view: LedgerView) throws {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<3 {
      let specimens = (0..<60).map { Specimen.random($0, using: &random) }
      let ledger = try SpecimenLedger(specimens)
      let generator = RandomFilter(fields: Self.fields(of: view), traces: specimens.map(\.trace.hexadecimal))
      let rows = try #require(ledger.rows[view])
      for _ in 0..<200 {
        let condition = generator.condition(depth: 3, using: &random)
        let filter = try FilterSQL(Filter(condition), view: view)
        let expected = Set(rows.filter { $0.value.satisfies(condition) }.map(\.key))
        let found = try ledger.ids(filter, in: view)
        #expect(found == expected, "\(filter.sql) with \(filter.parameters) of \(condition)")
      }
    }
  }

  @Test(arguments: [
    ("sessions > 1", LedgerView.sessions), ("sessions > 1", .traces), ("traces > 1", .traces),
  ])
  func `what a view has not is an error`(_ text: String, _ view: LedgerView) throws {
    let filter = try Filter(parsing: "error and (\(text))")
    let error = #expect(throws: FilterError.self) { try FilterSQL(filter, view: view) }
    #expect(error?.offset == 11)
    #expect(error?.message == "\(view) have no “\(text.prefix { $0 != " " })”")
  }

  @Test(arguments: ["model is a", "cost > 1", "metadata:plan is a", "error", "latency > 1s", "traces > 1"])
  func `scores have nothing of what their traces have`(_ text: String) throws {
    let filter = try Filter(parsing: "score:a > 1 and (\(text))")
    let error = #expect(throws: FilterError.self) { try FilterSQL(filter, view: .scores) }
    #expect(error?.offset == 17)
    #expect(error?.message == "scores have no “\(text.prefix { $0 != " " })”")
  }

  @Test(arguments: [
    ("end_user is a", LedgerView.traces, "traces_by_user (user=?)"),
    ("end_user is any of (a, b)", .traces, "traces_by_user (user=?)"),
    ("end_user starts with a", .traces, "(name>? AND name<?)"),
    ("session is a", .traces, "traces_by_session (session=?)"),
    ("end_user is a", .sessions, "sessions_by_user (user=?)"),
    ("end_user is a", .users, "(name=?)"),
    ("session is a", .users, "SEARCH u USING INTEGER PRIMARY KEY (rowid=?)"),
    ("session starts with a", .sessions, "(name>? AND name<?)"),
    ("trace is 0123456789abcdef0123456789abcdef", .traces, "(trace=?)"),
    ("model is a", .users, "facets USING PRIMARY KEY (kind=? AND name=? AND owner_kind=?)"),
    ("tag is a and model is b", .sessions, "facets USING PRIMARY KEY (kind=? AND name=? AND owner_kind=?)"),
    ("model is a", .traces, "labels USING PRIMARY KEY (kind=? AND name=?)"),
    ("metadata:plan is pro", .users, "metadata_values USING PRIMARY KEY (key=? AND value=?)"),
    ("metadata:plan starts with p", .traces, "metadata_values USING PRIMARY KEY (key=? AND value>? AND value<?)"),
    ("first_event > 2026-01-01", .traces, "traces_by_start (start>?)"),
    ("last_event > 2026-01-01", .users, "users_by_last_event (last_event>?)"),
    ("score:a >= 0.5", .users, "SEARCH m USING PRIMARY KEY (owner_kind=? AND owner=? AND name=?)"),
    ("score:a is good", .traces, "SEARCH m USING PRIMARY KEY (owner_kind=? AND name=? AND label=? AND owner=?)"),
    ("score:a >= 0.5", .scores, "scores_by_name (name=?)"), ("end_user is a", .scores, "scores_by_user (user=?)"),
    ("name is a", .scores, "scores_by_name (name=?)"), ("session is a", .scores, "scores_by_session (session=?)"),
  ])
  func `indexes serve what they can`(_ text: String, _ view: LedgerView, _ step: String) throws {
    let ledger = try SpecimenLedger([])
    let plan = try ledger.plan(FilterSQL(Filter(parsing: text), view: view), in: view)
    #expect(plan.contains(step), "\(plan)")
  }

  @Test func `nothing that somebody wrote is in the SQL`() throws {
    let text = "'; DROP TABLE users; --"
    for view in LedgerView.allCases {
      for field in RandomFilter.texts + [.score(text)] {
        let field = if case .metadata = field { Filter.Field.metadata(text) } else { field }
        if view == .scores, ![.endUser, .session, .trace, .name, .score(text)].contains(field) { continue }
        for comparison in [Filter.Comparison.anyOf([text, text])]
          + Filter.TextOperator.allCases.map({ .text($0, text) })
        {
          let filter = try FilterSQL(Filter(.comparison(field, comparison)), view: view)
          #expect(!filter.sql.contains("DROP") && !filter.sql.contains("'"))
        }
      }
    }
  }

  @Test func `SQLite takes the largest filters`() throws {
    let ledger = try SpecimenLedger([])
    let comparisons = (0..<256).map { Filter.Condition.comparison(.model, .text(.is, "\($0)")) }
    for condition in [Filter.Condition.or(comparisons), .and(comparisons), .not(.and(comparisons.map { .not($0) }))] {
      for view in Self.views { _ = try ledger.ids(FilterSQL(Filter(condition), view: view), in: view) }
    }
    let deep = (0..<64).reduce(comparisons[0]) { inner, place in
      place.isMultiple(of: 2) ? .not(inner) : .or([inner, comparisons[1]])
    }
    _ = try ledger.ids(FilterSQL(Filter(deep), view: .traces), in: .traces)
    let values = (0..<4096).map { "\($0)" }
    _ = try ledger.ids(FilterSQL(Filter(.comparison(.tag, .anyOf(values))), view: .users), in: .users)
  }
}
