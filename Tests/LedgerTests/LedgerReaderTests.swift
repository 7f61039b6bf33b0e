import Facts
import Testing

@testable import Ledger

@Suite struct LedgerReaderTests {
  /// Two traces of a, in a session, on two days; one of b; one of nobody.
  private static let few: [SampleSpan] = [
    SampleSpan(
      trace: 1, span: 1, start: midnight, duration: 4_000_000, user: "a", session: "s", name: "chat",
      metadata: #"{"plan":"free"}"#, tags: #"["x","y"]"#),
    SampleSpan(
      trace: 1, span: 2, parent: 1, start: midnight + 1_000_000, model: "m1", input: 10, output: 5, cost: 1_500_000_000),
    SampleSpan(
      trace: 2, span: 1, start: midnight + 90_000 * second, duration: 8_000_000, user: "a", session: "s", name: "chat",
      metadata: #"{"plan":"pro","team":{"name":"red"}}"#, isError: true),
    SampleSpan(trace: 3, span: 1, start: midnight + second, user: "b", name: "search", model: "m2", cost: 250),
    SampleSpan(trace: 4, span: 1, start: midnight + 2 * second),
  ]

  @Test func `sums up a user`() throws {
    let user = try #require(try WrittenLedger(Self.few).reader().user("a")?.user)
    #expect(user.endUser == "a")
    #expect(user.sessions == 1)
    #expect(user.summary.traces == 2)
    #expect(user.summary.firstEvent == Int64(midnight))
    #expect(user.summary.lastEvent == Int64(midnight + 90_000 * second))
    #expect(user.summary.amounts.observations == 3)
    #expect(user.summary.amounts.errors == 1)
    #expect(user.summary.amounts.tokens.input == 10)
    #expect(user.summary.amounts.tokens.total == 15)
    #expect(user.summary.amounts.tokens.reasoning == nil)
    #expect(user.summary.amounts.cost == 1_500_000_000)
    #expect(user.summary.metadata == #"{"plan":"pro","team":{"name":"red"}}"#)
    #expect(user.summary.labels.models == ["m1"])
    #expect(user.summary.labels.tags == ["x", "y"])
    #expect(user.summary.labels.workflows == ["chat"])
    let p50 = try #require(user.summary.latency.p50)
    #expect(3_950_000...4_050_000 ~= p50)
  }

  @Test func `lists users, the latest first, but not everybody`() throws {
    let page = try WrittenLedger(Self.few).reader().users(LedgerQuery())
    #expect(page.rows.map(\.endUser) == ["a", "b"])
    #expect(page.nextCursor == nil)
    #expect(page.rows[1].summary.amounts.tokens == TokenCounts())
    #expect(page.rows[1].summary.labels.models == ["m2"])
  }

  @Test func `knows nobody under the name of everybody`() throws {
    let reader = try WrittenLedger(Self.few).reader()
    #expect(try reader.user("") == nil)
    #expect(try reader.traces(ofUser: "", LedgerQuery()) == nil)
    #expect(try reader.user("c") == nil)
    #expect(try reader.sessions(ofUser: "c", LedgerQuery()) == nil)
  }

  @Test func `counts a user's days in UTC, within bounds that may be parts of days`() throws {
    let reader = try WrittenLedger(Self.few).reader()
    let first = LedgerTime.day(of: Int64(midnight))
    let days = try #require(try reader.user("a")?.days)
    #expect(days.map(\.day) == [first, first + 1])
    #expect(days.map(\.traces) == [1, 1])
    #expect(days.map(\.amounts.errors) == [0, 1])
    #expect(days.map(\.amounts.cost) == [1_500_000_000, nil])
    let noon = Int64(midnight + 43_200 * second)
    let next = Int64(midnight + 86_400 * second)
    #expect(try reader.user("a", since: noon)?.days.map(\.day) == [first, first + 1])
    #expect(try reader.user("a", since: next)?.days.map(\.day) == [first + 1])
    #expect(try reader.user("a", until: next)?.days.map(\.day) == [first])
    #expect(try reader.user("a", until: next + 1)?.days.map(\.day) == [first, first + 1])
    #expect(try reader.user("a", until: .min)?.days.isEmpty == true)
  }

  @Test func `opens a session, its turns in the order of time`() throws {
    let reader = try WrittenLedger(Self.few).reader()
    let detail = try #require(try reader.session("s", turns: LedgerQuery()))
    #expect(detail.session.endUser == "a")
    #expect(!detail.session.disagrees)
    #expect(detail.session.duration == Int64(90_000 * second + 8_000_000))
    #expect(detail.session.summary.traces == 2)
    #expect(detail.turns.rows.map(\.trace) == [1, 2].map(SampleSpan.traceID))
    #expect(try reader.session("t", turns: LedgerQuery()) == nil)
    #expect(try reader.sessions(ofUser: "a", LedgerQuery())?.rows.map(\.session) == ["s"])
    #expect(try reader.sessions(LedgerQuery()).rows.map(\.session) == ["s"])
  }

  @Test func `lists traces of everybody and of nobody, and those of one`() throws {
    let reader = try WrittenLedger(Self.few).reader()
    let rows = try reader.traces(LedgerQuery()).rows
    #expect(rows.map(\.trace) == [2, 4, 3, 1].map(SampleSpan.traceID))
    #expect(rows.map(\.endUser) == ["a", nil, "b", "a"])
    #expect(rows.map(\.latency) == [8_000_000, 1_000_000, 1_000_000, 4_000_000])
    #expect(rows[3].tags == ["x", "y"])
    #expect(rows[3].models == ["m1"])
    #expect(rows[3].name == "chat")
    #expect(try reader.traces(ofUser: "a", LedgerQuery())?.rows.map(\.trace) == [2, 1].map(SampleSpan.traceID))
  }

  @Test func `chooses by time without cutting totals`() throws {
    let reader = try WrittenLedger(Self.few).reader()
    let query = LedgerQuery(since: Int64(midnight + second), until: Int64(midnight + 2 * second))
    #expect(try reader.traces(query).rows.map(\.trace) == [SampleSpan.traceID(3)])
    let users = try reader.users(query).rows
    #expect(users.map(\.endUser) == ["a", "b"])
    #expect(users[0].summary.traces == 2)
    #expect(try reader.users(LedgerQuery(since: Int64(midnight + 2 * second))).rows.map(\.endUser) == ["a"])
    #expect(try reader.sessions(LedgerQuery(until: Int64(midnight))).rows.isEmpty)
  }

  @Test func `shows the whole at a glance, and a part of it`() throws {
    let reader = try WrittenLedger(Self.few).reader()
    let all = try reader.overview()
    #expect([all.users, all.sessions, all.traces, all.anonymousTraces] == [2, 1, 4, 1])
    #expect(all.amounts.observations == 5)
    #expect(all.amounts.cost == 1_500_000_250)
    #expect(all.top[.cost]?.map(\.endUser) == ["a", "b"])
    #expect(all.top[.tokens]?.map(\.endUser) == ["a"])
    #expect(all.distribution[.tokens]?.unknown == 1)
    #expect(all.distribution[.tokens]?.buckets == [Histogram.Bucket(from: 10, to: 20, count: 1)])
    let part = try reader.overview(since: Int64(midnight + second), until: Int64(midnight + 3 * second))
    #expect([part.users, part.sessions, part.traces, part.anonymousTraces] == [2, 1, 2, 1])
    #expect(part.amounts.cost == 250)
    #expect(part.lastEvent == Int64(midnight + 2 * second))
    let none = try reader.overview(since: Int64(midnight + 99_999 * second))
    #expect([none.users, none.sessions, none.traces] == [0, 0, 0])
    #expect(none.firstEvent == nil)
  }

  @Test func `tells the models without a price of the same time`() throws {
    func call(_ trace: UInt64, _ model: String, at time: UInt64) -> [SampleSpan] {
      (1...trace).map {
        SampleSpan(
          trace: trace, span: $0, start: midnight + time * second, user: "a", model: model, input: 1, output: 1)
      }
    }
    let reader = try WrittenLedger(call(1, "house", at: 1) + call(2, "own", at: 2) + call(3, "house", at: 3)).reader()
    func unpriced(_ since: UInt64? = nil, _ until: UInt64? = nil) throws -> [String] {
      let bound = { (time: UInt64?) in time.map { Int64(midnight + $0 * second) } }
      return try reader.overview(since: bound(since), until: bound(until)).unpriced.map { "\($0.model) \($0.calls)" }
    }
    #expect(try unpriced() == ["house 4", "own 2"])
    #expect(try unpriced(1) == ["house 4", "own 2"])
    #expect(try unpriced(2) == ["house 3", "own 2"])
    #expect(try unpriced(1, 3) == ["own 2", "house 1"])
    #expect(try unpriced(4) == [])
  }

  @Test func `an empty ledger has an overview`() throws {
    let overview = try WrittenLedger().reader().overview()
    #expect([overview.users, overview.sessions, overview.traces, overview.anonymousTraces] == [0, 0, 0, 0])
    #expect(overview.distribution[.cost]?.buckets.isEmpty == true)
  }

  @Test func `lists keys of metadata with who has them, page by page`() throws {
    let reader = try WrittenLedger(Self.few).reader()
    let keys = try reader.metadataKeys(LedgerQuery()).rows
    #expect(keys.map(\.key) == ["plan", "team.name"])
    // The latest metadata of a says pro; free is what a trace said before.
    #expect(keys[0] == MetadataKey(key: "plan", users: 1, traces: 2, examples: ["free", "pro"]))
    #expect(keys[1] == MetadataKey(key: "team.name", users: 1, traces: 1, examples: ["red"]))
    let first = try reader.metadataKeys(LedgerQuery(limit: 1))
    #expect(first.rows == [keys[0]])
    let next = try reader.metadataKeys(LedgerQuery(limit: 1, cursor: first.nextCursor))
    #expect(next.rows == [keys[1]])
    #expect(next.nextCursor == nil)
  }

  @Test func `gives an answer up that takes too long`() throws {
    let spans = (1...3000).map { SampleSpan(trace: UInt64($0), span: 1, start: midnight + UInt64($0), user: "u\($0)") }
    let ledger = try WrittenLedger(spans)
    var limits = LedgerReader.Limits()
    limits.time = .zero
    let reader = try ledger.reader(limits)
    #expect {
      try reader.overview()
    } throws: { error in
      if case LedgerQueryError.tooSlow = error { true } else { false }
    }
  }

  @Test func `waits for a connection no longer than it should`() throws {
    let ledger = try WrittenLedger(Self.few)
    var limits = LedgerReader.Limits()
    (limits.connections, limits.patience) = (1, .milliseconds(1))
    let reader = try ledger.reader(limits)
    try reader.pool.read { _ throws(LedgerError) -> Void in
      #expect {
        try reader.overview()
      } throws: { error in
        if case LedgerQueryError.busy = error { true } else { false }
      }
    }
    #expect(try reader.overview().users == 2)
  }

  @Test func `opens what is a ledger, and only that`() throws {
    #expect(throws: LedgerError.missing(path: "/nowhere/ledger.db")) {
      try LedgerReader(path: "/nowhere/ledger.db")
    }
  }
}
