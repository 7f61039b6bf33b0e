import Facts
import Filters
import TestSupport
import Testing

@testable import Ledger

/// Pages of rows that are known beforehand, against the same pages found among all rows.
@Suite struct NarrowedPageTests {
  private static let models = ["often", "sometimes", "once", "then"]

  /// Traces in the order of time, most of them: some come late. Several blocks of them, and of users and sessions.
  private static func spans(_ count: UInt64, _ random: inout SeededGenerator) -> [SampleSpan] {
    (1...count).map { trace in
      let isLate = random.once(in: 40)
      let start = isLate ? UInt64.random(in: 0...trace, using: &random) : trace
      var span = SampleSpan(trace: trace, span: 1, start: midnight + start / 3 * second)
      let user = UInt64.random(in: 0..<1500, using: &random)
      span.user = random.once(in: 8) ? "" : "u\(user)"
      span.session = random.once(in: 8) ? "" : "s\(user)-\(Int.random(in: 0..<3, using: &random))"
      span.name = random.once(in: 300) ? "rare" : "n\(Int.random(in: 0..<3, using: &random))"
      span.model = random.once(in: 400) ? "sometimes" : trace == 77 ? "once" : trace < count / 3 ? "then" : "often"
      if random.once(in: 300) {
        span.tags = #"["rare","both"]"#
      } else if random.once(in: 3) {
        span.tags = #"["both"]"#
      }
      let plan = random.once(in: 300) ? "trial" : user % 7 == 0 ? "pro" : "free"
      if !random.once(in: 5) { span.metadata = #"{"plan":"\#(plan)","account":"a\#(user)"}"# }
      span.cost = Int64.random(in: 0..<5, using: &random)
      return span
    }
  }

  private static let filters = [
    "model is sometimes", "model is once", "model is then", "model is often", "model is never", "model contains om",
    "tag is rare", "tag is both", "workflow is rare", "name starts with ra", "metadata:plan is trial",
    "metadata:plan is pro", "metadata:plan exists", "metadata:account is a7", "metadata:account starts with a70",
    "metadata:nothing is there", "model is sometimes and metadata:plan is pro",
    "model is sometimes and cost > 0.000000002",
    "tag is rare or workflow is rare or metadata:plan is trial", "model is once or cost > 0.000000003",
    "not model is sometimes", "model is never or tag is never", "metadata:account is a7 and not model is then",
    "end_user is u7 and model is often", "model is once or metadata:account is a9",
    "model is often and cost > 0.000000003",
    "model is any of (often, then) and metadata:plan is free", "model is any of (once, sometimes)",
    "model exists and tag is rare",
  ]

  private static func plainPage(_ question: PageQuery, _ database: Database) throws(LedgerError) -> [Int64] {
    var rows: [Int64] = []
    try database.forEach(question.sql, question.parameters) { rows.append($0.int(0)) }
    return rows
  }

  @Test(arguments: [("traces", ListShape.traces), ("sessions", .sessions), ("users", .users)])
  func `pages are those that looking at every row would find`(name: String, shape: ListShape) throws {
    var random = SeededGenerator(seed: 11)
    let ledger = try WrittenLedger()
    let spans = Self.spans(5000, &random)
    // Of several transactions, for blocks that are written more than once.
    for start in stride(from: 0, to: spans.count, by: 700) { try ledger.write(Array(spans[start...].prefix(700))) }
    let reader = try ledger.reader()
    var found = 0
    for text in Self.filters {
      for sort in ([nil, "cost", "id"] as [String?]) + (name == "traces" ? ["timestamp:asc"] : []) {
        var query = LedgerQuery(sort: sort, limit: Int.random(in: 1...60, using: &random))
        query.filter = try Filter(parsing: text)
        if random.once(in: 3) { query.since = Int64(midnight) + .random(in: 0...1000, using: &random) * 1_000_000_000 }
        if random.once(in: 3) {
          query.until = Int64(midnight) + .random(in: 600...1700, using: &random) * 1_000_000_000
        }
        var pages = 0
        repeat {
          let question = try PageQuery(shape, nil, query)
          let page = try reader.pool.read { database throws(LedgerError) in
            try question.page(in: database) { id throws(LedgerError) in id }
          }
          let expected = try reader.pool.read { database throws(LedgerError) in
            try Self.plainPage(question, database)
          }
          #expect(page.rows == Array(expected.prefix(query.limit)), "\(name): \(text) by \(sort ?? "time")")
          #expect((page.nextCursor != nil) == (expected.count > query.limit))
          found += page.rows.count
          query.cursor = page.nextCursor
          pages += 1
        } while query.cursor != nil && pages < 4
      }
    }
    #expect(found > 1000)
  }

  private func search(
    _ text: String, _ shape: ListShape = .traces, sort: String? = nil, most: Int? = nil
  ) throws -> PageQuery.Search? {
    var query = LedgerQuery(sort: sort)
    query.filter = try Filter(parsing: text)
    switch try PageQuery(shape, nil, query).search {
    case .blocks(var search):
      search.mostCandidates = most ?? search.mostCandidates
      return .blocks(search)
    case .owners(var search):
      search.mostCandidates = most ?? search.mostCandidates
      return .owners(search)
    case nil: return nil
    }
  }

  @Test(arguments: [ListShape.traces, .sessions, .users])
  func `what nothing has is known not to be there without a look at any row`(shape: ListShape) throws {
    var random = SeededGenerator(seed: 12)
    let reader = try WrittenLedger(Self.spans(50, &random)).reader()
    for text in [
      "model is never", "tag is never and cost > 1", "metadata:plan is no or workflow is no", "metadata:x exists",
      "model is often and metadata:plan is no",
    ] {
      let search = try #require(try search(text, shape))
      let page = try reader.pool.read { database throws(LedgerError) in
        try search.page(in: database, limit: 10) { _ throws(LedgerError) in
          Issue.record("looked for \(text)")
          return []
        }
      }
      #expect(page == [])
    }
  }

  @Test(arguments: [ListShape.traces, .sessions, .users])
  func `no more rows are looked at than it takes to fill the page`(shape: ListShape) throws {
    var random = SeededGenerator(seed: 13)
    let reader = try WrittenLedger(Self.spans(5000, &random)).reader()
    let search = try #require(try search("model is often", shape, most: 3000))
    var looked = 0
    _ = try reader.pool.read { database throws(LedgerError) in
      try search.page(in: database, limit: 10) { candidates throws(LedgerError) in
        looked += candidates.count
        // As if all of them began now.
        return candidates.suffix(10).map { Cursor(value: .int(.max), row: $0) }
      }
    }
    #expect(1...RowBlock.size ~= looked)
  }

  @Test(arguments: [(ListShape.traces, nil), (.sessions, nil), (.users, nil), (.sessions, "cost"), (.traces, "cost")])
  func `too many rows are left to the indexes`(shape: ListShape, sort: String?) throws {
    var random = SeededGenerator(seed: 14)
    let reader = try WrittenLedger(Self.spans(800, &random)).reader()
    let search = try #require(try search("tag is both and cost > 5", shape, sort: sort, most: 40))
    let page = try reader.pool.read { database throws(LedgerError) in
      try search.page(in: database, limit: 10) { _ throws(LedgerError) in [] }
    }
    #expect(page == nil)
  }

  @Test func `what narrows is taken out of a filter, unless an index leads there at once`() throws {
    for text in [
      "cost > 1", "not model is a", "model is a or cost > 1", "end_user is ada and model is a", "workflow exists",
      "session is any of (a, b) and tag is x",
    ] {
      #expect(try search(text) == nil, "\(text)")
    }
    for text in ["model is a", "cost > 1 and tag is x", "end_user contains a and tag is x", "model is a or tag is b"] {
      #expect(try search(text) != nil, "\(text)")
    }
    func rest(_ text: String) throws -> Filter.Condition? {
      try #require(Narrowing.split(try Filter(parsing: text).condition, view: .traces)).rest
    }
    #expect(try rest("model is a and (tag is b or workflow is c)") == nil)
    #expect(try rest("model is a and cost > 1") == Filter(parsing: "cost > 1").condition)
    #expect(
      try rest("(model is a and cost > 1) or tag is b")
        == Filter(parsing: "(model is a and cost > 1) or tag is b").condition)
    #expect(
      try rest("model is a and not tag is b and cost > 1") == Filter(parsing: "not tag is b and cost > 1").condition)
  }

  @Test(arguments: [
    (ListShape.users, "users_by_last_event"), (.sessions, "sessions_by_last_event"),
  ])
  func `users and sessions are walked through in an index alone`(shape: ListShape, index: String) throws {
    var random = SeededGenerator(seed: 16)
    let ledger = try WrittenLedger(Self.spans(50, &random))
    let reader = try ledger.reader()
    guard case .owners(let search)? = try search("model is often", shape) else {
      Issue.record("not by owners")
      return
    }
    let walk = try #require(search.walk)
    var plan: [String] = []
    try reader.pool.read { database throws(LedgerError) in
      try database.forEach("EXPLAIN QUERY PLAN " + walk.sql, walk.parameters) { plan.append($0.text(3)) }
    }
    #expect(plan.count == 1 && plan[0].contains("COVERING INDEX \(index)"), "\(plan)")
  }

  @Test func `a block is read as it was written, whatever the numbers are`() {
    var random = SeededGenerator(seed: 15)
    for _ in 0..<200 {
      let count = Int.random(in: 0...RowBlock.size, using: &random)
      let columns = (0..<3).map { _ in
        let most = Int64(1) << Int64.random(in: 0...62, using: &random)
        return (0..<RowBlock.size).map {
          $0 < count && !random.once(in: 3) ? Int64.random(in: 0..<most, using: &random) : 0
        }
      }
      let bytes = RowBlock.bytes(of: columns, count: count)
      for column in columns.indices {
        var read = [Int64](repeating: 0, count: RowBlock.size)
        bytes.withUnsafeBytes { RowBlock.forEach(column: column, of: $0) { read[$0] = Int64(bitPattern: $1) } }
        #expect(read == columns[column])
        // What a file that was damaged might have.
        for end in [0, 1, 2, bytes.count / 2, max(bytes.count - 1, 0)] {
          bytes.withUnsafeBytes { bytes in
            RowBlock.forEach(column: column, of: UnsafeRawBufferPointer(rebasing: bytes[..<min(end, bytes.count)])) {
              slot, _ in #expect(slot < RowBlock.size)
            }
          }
        }
      }
    }
  }

  @Test func `a set has the numbers that were put into it, and no others`() {
    var random = SeededGenerator(seed: 17)
    let all: [[Int64]] = [
      [], [1], [63, 64], [5, 900, 5], [1, 1 << 40], [.max], [.max, 0], [1 << 30, (1 << 30) + 70],
    ]
    for numbers in all + (0..<50).map({ _ in (0..<40).map { _ in .random(in: 0...500, using: &random) } }) {
      let set = NumberSet(numbers)
      #expect(set.numbers == Set(numbers).sorted())
      #expect(set.count == set.numbers.count && set.isEmpty == numbers.isEmpty)
      set.withMembership { isMember in
        for number in (0...600).map(Int64.init) + numbers + [.max, .min, -1] {
          #expect(isMember(number) == numbers.contains(number))
        }
      }
      let other = (0..<100).map { _ in Int64.random(in: 0...500, using: &random) }
      #expect(set.intersection(NumberSet(other)).numbers == Set(numbers).intersection(other).sorted())
    }
  }
}
