import Facts
import TestSupport
import Testing

@testable import Ledger

@Suite struct PagingTests {
  /// Traces of few users and sessions, with many equal and many unknown values.
  private static func spans(_ traces: ClosedRange<UInt64>, _ random: inout SeededGenerator) -> [SampleSpan] {
    traces.map { trace in
      var span = SampleSpan(trace: trace, span: 1, start: midnight + UInt64.random(in: 0..<9, using: &random))
      span.duration = UInt64.random(in: 1..<4, using: &random) * 1_000_000
      span.user = random.once(in: 5) ? "" : "u\(Int.random(in: 0..<20, using: &random))"
      span.session = random.once(in: 3) ? "" : "\(span.user)-\(Int.random(in: 0..<3, using: &random))"
      span.name = random.once(in: 4) ? "" : "n\(Int.random(in: 0..<3, using: &random))"
      span.model = "m"
      span.cost = random.once(in: 2) ? nil : Int64.random(in: 0..<4, using: &random)
      if random.once(in: 2) { (span.input, span.output) = (Int64.random(in: 0..<4, using: &random), 1) }
      span.isError = random.once(in: 3)
      return span
    }
  }

  /// A list, of which a row is no more than its name.
  private struct List {
    let name: String
    let keys: [String]
    let page: (LedgerQuery) throws -> (names: [String], next: String?)

    /// All names, by pages of random sizes.
    func walk(sort: String?, _ random: inout SeededGenerator, between: () throws -> Void = {}) throws -> [String] {
      var names: [String] = []
      var cursor: String?
      repeat {
        let limit = Int.random(in: 1...17, using: &random)
        let page = try page(LedgerQuery(sort: sort, limit: limit, cursor: cursor))
        #expect(page.names.count == limit || page.next == nil)
        names += page.names
        cursor = page.next
        try between()
      } while cursor != nil
      return names
    }
  }

  private static func lists(_ reader: LedgerReader) -> [List] {
    let summary = ["last_event", "first_event", "traces", "observations", "errors", "tokens", "cost", "latency", "id"]
    let traces = ["timestamp", "observations", "errors", "tokens", "cost", "latency", "name", "id"]
    return [
      List(name: "users", keys: summary + ["sessions", "name"]) { query in
        let page = try reader.users(query)
        return (page.rows.map(\.endUser), page.nextCursor)
      },
      List(name: "sessions", keys: summary + ["duration", "name"]) { query in
        let page = try reader.sessions(query)
        return (page.rows.map(\.session), page.nextCursor)
      },
      List(name: "traces", keys: traces) { query in
        let page = try reader.traces(query)
        return (page.rows.map(\.trace), page.nextCursor)
      },
      List(name: "a user's traces", keys: traces) { query in
        let page = try #require(try reader.traces(ofUser: "u1", query))
        return (page.rows.map(\.trace), page.nextCursor)
      },
      List(name: "turns", keys: traces) { query in
        let turns = try #require(try reader.session("u1-1", turns: query)).turns
        return (turns.rows.map(\.trace), turns.nextCursor)
      },
    ]
  }

  @Test func `pages of any size are the whole list, each row once`() throws {
    var random = SeededGenerator(seed: 1)
    let reader = try WrittenLedger(Self.spans(1...400, &random)).reader()
    for list in Self.lists(reader) {
      for key in list.keys.flatMap({ [$0, "\($0):asc", "\($0):desc"] }) {
        let whole = try list.page(LedgerQuery(sort: key))
        #expect(whole.next == nil)
        #expect(whole.names.count > 3)
        #expect(Set(whole.names).count == whole.names.count)
        #expect(try list.walk(sort: key, &random) == whole.names, "\(list.name) by \(key)")
      }
    }
  }

  @Test func `rows are in the order that was asked for, what is unknown last`() throws {
    var random = SeededGenerator(seed: 2)
    let reader = try WrittenLedger(Self.spans(1...400, &random)).reader()
    func isOrdered(_ values: [Int64?], ascending: Bool) -> Bool {
      let known = values.compactMap { $0 }
      return values.drop { $0 != nil }.allSatisfy { $0 == nil }
        && known == (ascending ? known.sorted() : known.sorted(by: >))
    }
    let traces: [(String, (ListedTrace) -> Int64?)] = [
      ("timestamp", { $0.timestamp }), ("cost", { $0.amounts.cost }), ("tokens", { $0.amounts.tokens.total }),
      ("errors", { $0.amounts.errors }), ("latency", { $0.latency }),
    ]
    for (key, value) in traces {
      #expect(isOrdered(try reader.traces(LedgerQuery(sort: key)).rows.map(value), ascending: false), "\(key)")
      let ascending = try reader.traces(LedgerQuery(sort: key + ":asc")).rows.map(value)
      #expect(isOrdered(ascending, ascending: true), "\(key):asc")
      #expect(ascending.count == 400)
    }
    let users: [(String, (ListedUser) -> Int64?)] = [
      ("last_event", { $0.summary.lastEvent }), ("first_event", { $0.summary.firstEvent }),
      ("traces", { $0.summary.traces }), ("sessions", { $0.sessions }), ("cost", { $0.summary.amounts.cost }),
      ("tokens", { $0.summary.amounts.tokens.total }), ("latency", { $0.summary.latency.p95 }),
    ]
    for (key, value) in users {
      #expect(isOrdered(try reader.users(LedgerQuery(sort: key)).rows.map(value), ascending: false), "\(key)")
      #expect(isOrdered(try reader.users(LedgerQuery(sort: key + ":asc")).rows.map(value), ascending: true), "\(key)")
    }
    let names = try reader.users(LedgerQuery(sort: "id")).rows.map(\.endUser)
    #expect(names == names.sorted())
    #expect(try reader.users(LedgerQuery(sort: "id:desc")).rows.map(\.endUser) == names.reversed())
    let ids = try reader.traces(LedgerQuery(sort: "id")).rows.map(\.trace)
    #expect(ids == ids.sorted())
  }

  @Test func `rows that come while somebody pages neither hide nor repeat others`() throws {
    var random = SeededGenerator(seed: 3)
    let ledger = try WrittenLedger(Self.spans(1...200, &random))
    let reader = try ledger.reader()
    let traces = try #require(Self.lists(reader).first { $0.name == "traces" })
    // What doesn't change when other traces come.
    for key in ["timestamp", "timestamp:asc", "cost", "cost:asc", "tokens", "name", "id"] {
      let before = try traces.page(LedgerQuery(sort: key)).names
      var next = UInt64.random(in: 1000..<1 << 40, using: &random)
      var sizes = random
      let seen = try traces.walk(sort: key, &sizes) {
        try ledger.write(Self.spans(next...next + 1, &random))
        next += 2
      }
      #expect(Set(seen).count == seen.count)
      let known = Set(before)
      #expect(seen.filter(known.contains) == before, "by \(key)")
    }
  }

  @Test func `a cursor leads on in its own query alone`() throws {
    var random = SeededGenerator(seed: 4)
    let reader = try WrittenLedger(Self.spans(1...100, &random)).reader()
    let cursor = try #require(try reader.traces(LedgerQuery(limit: 3)).nextCursor)
    #expect(try reader.traces(LedgerQuery(limit: 9, cursor: cursor)).rows.count == 9)
    func expectRefused(_ ask: () throws -> Void, _ place: SourceLocation = #_sourceLocation) {
      #expect(sourceLocation: place) {
        try ask()
      } throws: { error in
        if case LedgerQueryError.invalid(let message) = error { message.hasPrefix("cursor: ") } else { false }
      }
    }
    expectRefused { _ = try reader.users(LedgerQuery(cursor: cursor)) }
    expectRefused { _ = try reader.traces(ofUser: "u1", LedgerQuery(cursor: cursor)) }
    expectRefused { _ = try reader.traces(LedgerQuery(sort: "timestamp:asc", cursor: cursor)) }
    expectRefused { _ = try reader.traces(LedgerQuery(sort: "cost", cursor: cursor)) }
    expectRefused { _ = try reader.traces(LedgerQuery(cursor: cursor, since: 1)) }
    expectRefused { _ = try reader.traces(LedgerQuery(cursor: cursor, until: .max)) }
    expectRefused { _ = try reader.metadataKeys(LedgerQuery(cursor: cursor)) }
    for text in [
      "", "A", "====", "x y", cursor + "A", String(cursor.dropLast(2)), String(repeating: "A", count: 200_000),
    ] {
      expectRefused { _ = try reader.traces(LedgerQuery(cursor: text)) }
    }
    let other = try #require(try reader.traces(ofUser: "u1", LedgerQuery(limit: 1)).flatMap(\.nextCursor))
    expectRefused { _ = try reader.traces(ofUser: "u2", LedgerQuery(cursor: other)) }
  }

  @Test func `a cursor that somebody changed is refused, or is another cursor`() throws {
    var random = SeededGenerator(seed: 5)
    let reader = try WrittenLedger(Self.spans(1...50, &random)).reader()
    for sort in ["cost", "name", "id"] {
      let cursor = try #require(try reader.traces(LedgerQuery(sort: sort, limit: 30)).nextCursor)
      #expect(cursor.utf8.allSatisfy { "A"..."z" ~= Character(Unicode.Scalar($0)) || "-0123456789".utf8.contains($0) })
      for _ in 0..<500 {
        let changed = String(decoding: Array(cursor.utf8).mutated(using: &random), as: UTF8.self)
        do { _ = try reader.traces(LedgerQuery(sort: sort, cursor: changed)) } catch {
          guard case .invalid = error else {
            Issue.record("\(changed): \(error)")
            return
          }
        }
      }
    }
  }

  @Test func `says what is wrong with a sort or a limit`() throws {
    let reader = try WrittenLedger().reader()
    for (sort, start) in [
      ("size", "sort: no key “size” here; there are last_event, "), ("", "sort: no key “” here"),
      ("cost:up", "sort: behind the colon comes asc or desc, not “up”"), ("cost:", "sort: behind the colon"),
      ("cost:asc:asc", "sort: behind the colon"), ("-cost", "sort: no key “-cost” here"),
    ] {
      #expect {
        try reader.users(LedgerQuery(sort: sort))
      } throws: { error in
        if case LedgerQueryError.invalid(let message) = error { message.hasPrefix(start) } else { false }
      }
    }
    for limit in [0, -1, 1001, .max, .min] {
      #expect(throws: LedgerQueryError.self) { try reader.users(LedgerQuery(limit: limit)) }
    }
  }
}
