import Facts
import Locks
import OTLP
import Testing

@testable import Ledger

/// Scores in the ledger: whose they are, in whatever order things come.
@Suite struct ScoresTests {
  private let fixture: LedgerFixture
  private let writer: LedgerWriter

  init() throws {
    fixture = try LedgerFixture()
    writer = try fixture.writer()
  }

  private static func root(_ trace: UInt64, _ user: String, session: String = "", start: UInt64 = 0) -> TestSpan {
    TestSpan(trace: trace, start: 1_700_000_000_000_000_000 + start, endUser: user, session: session)
  }

  private static func score(
    _ id: String, _ number: Double? = nil, label: String? = nil, name: String = "helpful", trace: UInt64? = nil,
    span: UInt64? = nil, session: String? = nil, at second: UInt64 = 0
  ) -> Score {
    Score(
      id: id, name: name, number: number, label: label, trace: trace.map { TestSpan(trace: $0).traceID }, span: span,
      session: session, timestamp: 1_700_000_000_000_000_000 + second * 1_000_000_000)
  }

  private func apply(_ spans: [TestSpan] = [], _ scores: [Score] = []) throws {
    try writer.apply([Arrival(spans, scores: scores)])
  }

  private func reader() throws -> LedgerReader { try LedgerReader(path: fixture.configuration.path) }

  /// What a user's scores named "helpful" come to.
  private func helpful(of user: String) throws -> ScoreSummary? {
    try reader().user(user)?.user.scores.first { $0.name == "helpful" }
  }

  /// Ids of scores, the latest first.
  private func ids(of user: String) throws -> [String]? {
    try reader().scores(ofUser: user, LedgerQuery())?.rows.map(\.id)
  }

  private static func summary(_ count: Int64, _ mean: Double?, _ latest: ScoreSummary.Value?) -> ScoreSummary {
    ScoreSummary(name: "helpful", count: count, mean: mean, latest: latest)
  }

  @Test func `a score is its trace's, its session's and its user's`() throws {
    try apply(
      [Self.root(1, "ada", session: "s")], [Self.score("a", 0.8, trace: 1), Self.score("b", 0.4, trace: 1, span: 1)])
    let reader = try reader()
    let expected = Self.summary(2, 0.6, .number(0.4))
    let trace = TestSpan(trace: 1).traceID.hexadecimal
    #expect(try reader.user("ada")?.user.scores == [expected])
    #expect(try reader.session("s", turns: LedgerQuery())?.session.scores == [expected])
    #expect(try reader.trace(trace)?.trace.scores == [expected])
    let rows = try #require(try reader.scores(ofUser: "ada", LedgerQuery())).rows
    #expect(rows.map(\.id) == ["b", "a"])
    #expect(rows[0].endUser == "ada" && rows[0].session == "s" && rows[0].trace == trace)
    #expect(rows[0].span == "0100000000000000" && rows[1].span == nil)
    #expect(try reader.scores(ofSession: "s", LedgerQuery())?.rows == rows)
    #expect(try reader.scores(ofTrace: trace, LedgerQuery())?.rows == rows)
    #expect(try reader.scores(LedgerQuery()).rows == rows)
  }

  @Test func `a score waits for its trace`() throws {
    try apply([], [Self.score("a", 0.8, trace: 1)])
    let waiting = try #require(try reader().scores(LedgerQuery()).rows.first)
    #expect(waiting.endUser == nil && waiting.trace == TestSpan(trace: 1).traceID.hexadecimal)
    try apply([Self.root(1, "ada")])
    #expect(try helpful(of: "ada") == Self.summary(1, 0.8, .number(0.8)))
  }

  @Test func `a score follows the root that comes after it and its trace's first spans`() throws {
    try apply([TestSpan(trace: 1, id: 2, parent: 1)], [Self.score("a", 1, trace: 1)])
    #expect(try reader().scores(LedgerQuery()).rows.map(\.endUser) == [nil])
    try apply([Self.root(1, "ada", session: "s")])
    #expect(try helpful(of: "ada") == Self.summary(1, 1, .number(1)))
    #expect(try reader().session("s", turns: LedgerQuery())?.session.scores.count == 1)
  }

  @Test func `a score of a session waits for it, and follows its user`() throws {
    try apply([], [Self.score("a", 0.5, session: "s")])
    try apply([Self.root(1, "ada", session: "s")])
    #expect(try ids(of: "ada") == ["a"])
    // The latest trace says whose a session is.
    try apply([Self.root(2, "bob", session: "s", start: 5)])
    #expect(try ids(of: "ada") == [] && helpful(of: "ada") == nil)
    #expect(try helpful(of: "bob") == Self.summary(1, 0.5, .number(0.5)))
    #expect(try reader().session("s", turns: LedgerQuery())?.session.scores == [Self.summary(1, 0.5, .number(0.5))])
  }

  @Test func `a trace that inherits its session's user takes its scores along`() throws {
    try apply([Self.root(1, "ada", session: "s"), Self.root(2, "", session: "s")], [Self.score("a", 1, trace: 2)])
    #expect(try ids(of: "ada") == ["a"])
    try apply([Self.root(3, "bob", session: "s", start: 5)])
    #expect(try ids(of: "ada") == [])
    #expect(try helpful(of: "bob") == Self.summary(1, 1, .number(1)))
  }

  @Test func `the same id replaces, whatever it says`() throws {
    try apply(
      [Self.root(1, "ada"), Self.root(2, "bob")],
      [Self.score("a", 0.2, trace: 1, at: 1), Self.score("b", 0.6, trace: 1)])
    try apply([], [Self.score("a", 0.4, trace: 1, at: 2)])
    #expect(try helpful(of: "ada") == Self.summary(2, 0.5, .number(0.4)))
    // Now it is about somebody else's trace, has another name, and no number.
    try apply([], [Self.score("a", label: "good", name: "verdict", trace: 2)])
    #expect(try helpful(of: "ada") == Self.summary(1, 0.6, .number(0.6)))
    #expect(
      try reader().user("bob")?.user.scores
        == [ScoreSummary(name: "verdict", count: 1, mean: nil, latest: .label("good"))])
    #expect(try fixture.rows("SELECT name FROM score_names ORDER BY name") == ["good", "helpful", "verdict"])
  }

  @Test func `what comes twice counts once`() throws {
    let arrival = Arrival(
      [Self.root(1, "ada")], scores: [Self.score("a", 0.8, trace: 1), Self.score("a", 0.8, trace: 1)])
    try writer.apply([arrival, arrival])
    try writer.apply([arrival])
    try fixture.writer().apply([arrival])
    #expect(try helpful(of: "ada") == Self.summary(1, 0.8, .number(0.8)))
    #expect(try ids(of: "ada") == ["a"])
  }

  @Test func `a mean is exact, however many are added and replaced`() throws {
    try apply([Self.root(1, "ada")])
    for _ in 0..<3 {
      try apply([], (0..<1000).map { Self.score("\($0)", 0.1, trace: 1) } + [Self.score("far", 1e300, trace: 1)])
      try apply([], [Self.score("far", 0.1, trace: 1)])
    }
    #expect(try helpful(of: "ada") == Self.summary(1001, 0.1, .number(0.1)))
  }

  @Test func `a user's days show how scores went`() throws {
    let day: UInt64 = 86_400
    try apply(
      [Self.root(1, "ada")],
      [
        Self.score("a", 0.2, trace: 1), Self.score("b", 0.4, trace: 1, at: 60), Self.score("c", 1, trace: 1, at: day),
        Self.score("d", label: "good", name: "verdict", trace: 1, at: day),
      ])
    // 2023-11-14T22:13:20Z and a day later.
    func days(_ since: Int64? = nil, _ until: Int64? = nil) throws -> [ScoreDay]? {
      try reader().user("ada", since: since, until: until)?.scoreDays
    }
    let first = ScoreDay(day: 19675, scores: [ScoreSummary(name: "helpful", count: 2, mean: 0.3)])
    let second = ScoreDay(
      day: 19676,
      scores: [
        ScoreSummary(name: "helpful", count: 1, mean: 1), ScoreSummary(name: "verdict", count: 1, mean: nil),
      ])
    #expect(try days() == [first, second])
    let midnight: Int64 = 19676 * 86_400_000_000_000
    #expect(try days(midnight) == [second])
    #expect(try days(midnight - 1) == [first, second])
    #expect(try days(nil, midnight) == [first])
    #expect(try days(nil, midnight + 1) == [first, second])
    #expect(try days(.min, .max) == [first, second])
  }

  @Test func `a user keeps the scores of a trace when another trace of the session names somebody`() throws {
    try apply(
      [Self.root(1, "ada", session: "s"), Self.root(2, "bob", session: "s", start: 5)],
      [Self.score("a", 1, trace: 1), Self.score("b", 0, trace: 1, session: "s"), Self.score("c", 0.5, session: "s")])
    #expect(try ids(of: "ada") == ["b", "a"])
    #expect(try ids(of: "bob") == ["c"])
  }

  @Test func `scores go with their trace and session, and those that wait when these would have gone`() throws {
    fixture.configuration.maxAge = .seconds(30)
    fixture.configuration.dedupWindow = .seconds(10)
    let clock = fixture.clock
    let start = clock.withLock { $0 }
    let writer = try fixture.writer()
    var root = Self.root(1, "ada", session: "s")
    root.start = UInt64(start)
    try writer.apply([
      Arrival(
        [root],
        scores: [
          Self.score("a", 1, trace: 1), Self.score("b", 1, session: "s"), Self.score("c", 1, trace: 9),
          Self.score("d", label: "x", session: "t"),
        ])
    ])
    clock.withLock { $0 = start + 25_000_000_000 }
    try writer.apply([Arrival([], scores: [Self.score("e", 1, trace: 10)])])
    #expect(try writer.retain().tally.removedScores == 0)
    clock.withLock { $0 = start + 40_000_000_000 }
    #expect(try writer.retain().tally.removedScores == 4)
    #expect(try fixture.rows("SELECT score FROM scores") == ["e"])
    #expect(try fixture.rows("SELECT * FROM score_sums").isEmpty)
    #expect(try fixture.rows("SELECT * FROM score_labels").isEmpty)
    #expect(try fixture.rows("SELECT name, uses FROM score_names") == ["helpful|1"])
  }

  @Test func `those that wait go when later traces are too many`() throws {
    fixture.configuration.maxTraces = 1
    fixture.configuration.dedupWindow = .zero
    let start = fixture.clock.withLock { $0 }
    let writer = try fixture.writer()
    try writer.apply([Arrival([], scores: [Self.score("a", 1, trace: 9)])])
    for number in 1...3 as ClosedRange<UInt64> {
      var root = Self.root(number, "ada")
      root.start = UInt64(start) + number
      try writer.apply([Arrival([root])])
    }
    fixture.clock.withLock { $0 = start + 60_000_000_000 }
    _ = try writer.retain()
    _ = try writer.retain()
    #expect(try fixture.rows("SELECT count(*) FROM scores") == ["0"])
  }

  @Test func `a forgotten user's scores go, and later ones with them`() throws {
    let spans = [
      Self.root(1, "eve", session: "s"), Self.root(2, "ada", session: "shared"),
      Self.root(3, "eve", session: "shared", start: 5),
    ]
    try apply(
      spans,
      [
        Self.score("a", 1, trace: 1), Self.score("b", 1, session: "s"), Self.score("c", 1, session: "shared"),
        Self.score("d", 1, trace: 2), Self.score("e", 1, trace: 8),
      ])
    let erasure = try writer.forget(endUser: "eve")
    #expect(erasure.scores == 3)
    #expect(try fixture.rows("SELECT score FROM scores ORDER BY score") == ["d", "e"])
    // One of a trace of before; one that waits for a trace of eve's; and this trace's others.
    try apply([], [Self.score("f", 1, trace: 1)])
    try apply([Self.root(8, "eve")])
    try apply([], [Self.score("g", 1, trace: 8)])
    #expect(try fixture.rows("SELECT score FROM scores") == ["d"])
    #expect(try fixture.rows("SELECT scores FROM score_sums") == ["1", "1", "1"])
  }

  @Test func `nothing stays in memory of a transaction that failed`() throws {
    try apply([Self.root(1, "ada")], [Self.score("a", 1, trace: 1)])
    let other = try Database(path: fixture.configuration.path, mode: .readWrite)
    try other.execute("CREATE TRIGGER no BEFORE INSERT ON score_sums BEGIN SELECT raise(ABORT, 'no'); END")
    let arrival = Arrival(
      [Self.root(2, "bob")], scores: [Self.score("b", 1, name: "other", trace: 2), Self.score("a", 0, trace: 2)])
    #expect(throws: LedgerError.self) { try writer.apply([arrival]) }
    #expect(try ids(of: "ada") == ["a"])
    try other.execute("DROP TRIGGER no")
    try writer.apply([arrival])
    #expect(try ids(of: "ada") == [])
    #expect(try helpful(of: "bob") == Self.summary(1, 0, .number(0)))
    #expect(try fixture.rows("SELECT name, uses FROM score_names ORDER BY name") == ["helpful|1", "other|1"])
  }
}
