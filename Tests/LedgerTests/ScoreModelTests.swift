import Facts
import Filters
import Foundation
import Locks
import OTLP
import TestSupport
import Testing

@testable import Ledger

/// Scores against a calculation that knows nothing but what came, in its order, and whose traces and sessions are in the end.
@Suite struct ScoreModelTests {
  /// What came of scores.
  private struct Model {
    /// The last of each id; ids in the order of their first arrival.
    var scores: [String: Score] = [:]
    var order: [String] = []

    mutating func add(_ score: Score) {
      if scores.updateValue(score, forKey: score.id) == nil { order.append(score.id) }
    }

    mutating func remove(_ id: String) {
      scores[id] = nil
      order.removeAll { $0 == id }
    }
  }

  /// Whose something is, by names; traces by their ids.
  private struct Place: Equatable {
    var trace: String?
    var session: String?
    var user: String?
  }

  /// What there is beside scores, as the file has it.
  private struct Owners {
    var traces: [String: (session: String?, user: String?)] = [:]
    var sessions: [String: String?] = [:]

    init(_ fixture: LedgerFixture) throws {
      func text(_ column: Substring) -> String? { column == "-" ? nil : String(column) }
      let rows = try fixture.rows(
        """
        SELECT lower(hex(trace)), s.name, u.name FROM traces t LEFT JOIN sessions s ON s.id = t.session
          LEFT JOIN users u ON u.id = t.user
        """)
      for row in rows.map({ $0.split(separator: "|") }) { traces[String(row[0])] = (text(row[1]), text(row[2])) }
      for row in try fixture.rows("SELECT s.name, u.name FROM sessions s LEFT JOIN users u ON u.id = s.user") {
        let columns = row.split(separator: "|")
        sessions[String(columns[0])] = .some(text(columns[1]))
      }
    }

    func place(of score: Score) -> Place {
      var place = Place()
      if let trace = score.trace?.hexadecimal, let known = traces[trace] {
        place = Place(trace: trace, session: known.session, user: known.user)
      }
      if place.session == nil, let session = score.session, let owner = sessions[session] {
        place.session = session
        place.user = place.user ?? owner
      }
      return place
    }
  }

  /// The scores of one name and owner.
  private struct Group {
    var numbers: [Decimal] = []
    var labels: Set<String> = []
    var count = 0
    var latest: (time: UInt64, order: Int, value: ScoreSummary.Value)?

    var mean: Double? {
      numbers.isEmpty ? nil : NSDecimalNumber(decimal: numbers.reduce(0, +) / Decimal(numbers.count)).doubleValue
    }

    mutating func add(_ score: Score, _ order: Int) {
      count += 1
      if let number = score.number { numbers.append(Decimal(string: "\(number)")!) }
      if let label = score.label { labels.insert(label) }
      let value = score.number.map(ScoreSummary.Value.number) ?? .label(score.label ?? "")
      if latest.map({ (score.timestamp, order) > ($0.time, $0.order) }) ?? true {
        latest = (score.timestamp, order, value)
      }
    }
  }

  private typealias Groups = [LedgerView: [String: [String: Group]]]

  private static func groups(_ model: Model, _ owners: Owners) -> Groups {
    var groups: Groups = [:]
    for (order, id) in model.order.enumerated() {
      guard let score = model.scores[id] else { continue }
      let place = owners.place(of: score)
      for (view, owner) in [(LedgerView.users, place.user), (.sessions, place.session), (.traces, place.trace)] {
        if let owner { groups[view, default: [:]][owner, default: [:]][score.name, default: Group()].add(score, order) }
      }
    }
    return groups
  }

  private static let names = ["helpful", "verdict", "a b"]
  private static let labels = ["good", "bad", "0.5"]

  private static func scores(_ random: inout SeededGenerator, count: Int) -> [Score] {
    (0..<count).map { _ in
      var score = Score(
        id: "score \(Int.random(in: 0..<count / 2, using: &random))", name: names.randomElement(using: &random)!,
        timestamp: 1_700_000_000_000_000_000 + .random(in: 0..<5, using: &random) * 40_000_000_000_000)
      if random.once(in: 2) { score.label = labels.randomElement(using: &random)! }
      if score.label == nil || random.once(in: 2) {
        score.number = Double(Int.random(in: -4...10, using: &random)) / 10
      }
      if !random.once(in: 3) { score.trace = TestSpan(trace: .random(in: 1...28, using: &random)).traceID }
      if score.trace == nil || random.once(in: 5) {
        score.session = ["s1", "s2", "s3", "s4", "never"].randomElement(using: &random)!
      }
      if score.trace != nil, random.once(in: 3) { score.span = .random(in: 1...9, using: &random) }
      return score
    }
  }

  /// Applies both in transactions of random sizes, in any order, some of it again, with new writers in between.
  private static func apply(
    _ spans: [TestSpan], _ scores: [Score], to fixture: LedgerFixture, _ model: inout Model,
    _ random: inout SeededGenerator
  ) throws {
    var (spans, scores) = (spans.shuffled(using: &random), scores)
    var writer = try fixture.writer()
    writer.mostMoved = random.once(in: 2) ? 2 : 5000
    let most = writer.mostMoved
    while !spans.isEmpty || !scores.isEmpty {
      var batch: [Arrival] = []
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let someSpans = Array(spans.prefix(Int.random(in: 0...20, using: &random)))
        let someScores = Array(scores.prefix(Int.random(in: 0...10, using: &random)))
        spans.removeFirst(someSpans.count)
        scores.removeFirst(someScores.count)
        let times = random.once(in: 4) ? 2 : 1
        for _ in 0..<times { batch.append(Arrival(someSpans, scores: someScores)) }
        for score in someScores { model.add(score) }
      }
      fixture.clock.withLock { $0 += 1_000_000_000 }
      try writer.apply(batch)
      if random.once(in: 6) {
        writer = try fixture.writer()
        writer.mostMoved = most
      }
    }
    while writer.isMoving { try writer.apply([]) }
  }

  /// Compares what is asked and what is kept.
  private static func check(_ fixture: LedgerFixture, _ model: Model, _ comment: String) throws {
    let owners = try Owners(fixture)
    let reader = try LedgerReader(path: fixture.configuration.path)
    let listed = try reader.scores(LedgerQuery(limit: 1000)).rows
    #expect(Set(listed.map(\.id)) == Set(model.order), "\(comment)")
    #expect(listed.count == model.order.count, "\(comment)")
    for row in listed {
      guard let score = model.scores[row.id] else { continue }
      let place = owners.place(of: score)
      #expect(row.endUser == place.user, "\(comment): \(score)")
      #expect(row.session == place.session ?? score.session, "\(comment): \(score)")
      #expect(row.trace == score.trace?.hexadecimal && row.name == score.name, "\(comment)")
      #expect(row.number == score.number && row.label == score.label, "\(comment)")
    }
    let groups = groups(model, owners)
    let views: [(LedgerView, [(String, [ScoreSummary])])] = [
      (.users, try reader.users(LedgerQuery(limit: 1000)).rows.map { ($0.endUser, $0.scores) }),
      (.sessions, try reader.sessions(LedgerQuery(limit: 1000)).rows.map { ($0.session, $0.scores) }),
      (.traces, try reader.traces(LedgerQuery(limit: 1000)).rows.map { ($0.trace, $0.scores) }),
    ]
    for (view, rows) in views {
      for (owner, summaries) in rows {
        let expected = groups[view]?[owner] ?? [:]
        #expect(summaries.map(\.name) == expected.keys.sorted(), "\(comment): \(view) \(owner)")
        for summary in summaries {
          let group = expected[summary.name]
          #expect(summary.count == group.map { Int64($0.count) }, "\(comment): \(view) \(owner) \(summary)")
          #expect(summary.latest == group?.latest?.value, "\(comment): \(view) \(owner) \(summary)")
          let mean = (summary.mean ?? 9) - (group?.mean ?? 9)
          #expect(abs(mean) < 1e-9, "\(comment): \(view) \(owner) \(summary)")
        }
      }
      let isKept = Set(rows.filter { !$0.1.isEmpty }.map(\.0))
      #expect(isKept == Set((groups[view] ?? [:]).keys), "\(comment): \(view)")
    }
    let kept = try fixture.rows("SELECT count(*) FROM score_sums")
    #expect(kept == ["\(groups.values.joined().reduce(0) { $0 + $1.value.count })"], "\(comment)")
    let used = Set(model.scores.values.map(\.name)).union(model.scores.values.compactMap(\.label))
    #expect(Set(try fixture.rows("SELECT name FROM score_names")) == used, "\(comment)")
    try checkDays(reader, model, owners, comment)
  }

  /// A user's days add up to the user.
  private static func checkDays(
    _ reader: LedgerReader, _ model: Model, _ owners: Owners, _ comment: String
  ) throws {
    for user in try reader.users(LedgerQuery(limit: 1000)).rows.map(\.endUser) {
      var expected: [Int64: [String: [Double?]]] = [:]
      for score in model.scores.values where owners.place(of: score).user == user {
        let day = Int64(score.timestamp / 86_400_000_000_000)
        expected[day, default: [:]][score.name, default: []].append(score.number)
      }
      let days = try #require(try reader.user(user)).scoreDays
      #expect(days.map(\.day) == expected.keys.sorted(), "\(comment)")
      for day in days {
        #expect(day.scores.map(\.name) == expected[day.day]?.keys.sorted(), "\(comment)")
        for summary in day.scores {
          let numbers = expected[day.day]?[summary.name] ?? []
          #expect(summary.count == numbers.count, "\(comment)")
          let known = numbers.compactMap(\.self)
          let mean = known.isEmpty ? nil : known.reduce(0, +) / Double(known.count)
          #expect(abs((summary.mean ?? 9) - (mean ?? 9)) < 1e-9, "\(comment)")
        }
      }
    }
  }

  @Test(arguments: 0..<16)
  func `every score is where it belongs, and adds up there`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let fixture = try LedgerFixture()
    fixture.configuration.inheritsSessionUser = seed % 4 != 0
    fixture.configuration.tracesAreSessions = seed % 5 == 0
    var model = Model()
    try Self.apply(
      SpanSource.traces(&random, count: 25), Self.scores(&random, count: 120), to: fixture, &model, &random)
    try Self.check(fixture, model, "seed \(seed)")
  }

  @Test(arguments: 0..<6)
  func `what is left when traces and users go adds up`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed + 100)
    let fixture = try LedgerFixture()
    fixture.configuration.dedupWindow = .zero
    fixture.configuration.maxTraces = seed % 2 == 0 ? 12 : nil
    var model = Model()
    try Self.apply(
      SpanSource.traces(&random, count: 25), Self.scores(&random, count: 120), to: fixture, &model, &random)
    let before = try Owners(fixture)
    fixture.clock.withLock { $0 += 7_200_000_000_000 }
    let writer = try fixture.writer()
    if seed % 2 == 0 { _ = try writer.retain() } else { _ = try writer.forget(endUser: "ada") }
    let after = try Owners(fixture)
    for (id, score) in model.scores {
      let (old, new) = (before.place(of: score), after.place(of: score))
      let isGone =
        old.trace != nil && new.trace == nil || old.trace == nil && old.session != nil && new.session == nil
        || seed % 2 == 1 && old.trace == nil && old.user == "ada"
      if isGone { model.remove(id) }
    }
    try Self.check(fixture, model, "seed \(seed)")
  }

  // MARK: Filters

  private static func comparison(_ random: inout SeededGenerator) -> Filter.Condition {
    let field = Filter.Field.score((names + ["nobody's"]).randomElement(using: &random)!)
    switch Int.random(in: 0..<5, using: &random) {
    case 0: return .comparison(field, .exists)
    case 1: return .comparison(field, .text(.is, labels.randomElement(using: &random)!))
    case 2: return .comparison(field, .text(.contains, "o"))
    default:
      let number = Filter.Number(billionths: Int128.random(in: -4...10, using: &random) * 100_000_000)
      return .comparison(field, .number(Filter.NumberOperator.allCases.randomElement(using: &random)!, number))
    }
  }

  private static func condition(_ random: inout SeededGenerator, depth: Int) -> Filter.Condition {
    switch depth == 0 ? 9 : Int.random(in: 0..<8, using: &random) {
    case 0, 1, 2: .and((0..<2).map { _ in condition(&random, depth: depth - 1) })
    case 3, 4: .or((0..<2).map { _ in condition(&random, depth: depth - 1) })
    case 5: .not(condition(&random, depth: depth - 1))
    // Something that narrows by blocks, or by facets; and is never so.
    case 6: .comparison(.model, .text(.is, "no such model"))
    default: comparison(&random)
    }
  }

  private static func holds(_ condition: Filter.Condition, _ groups: [String: Group]) -> Bool {
    switch condition {
    case .and(let parts): return parts.allSatisfy { holds($0, groups) }
    case .or(let parts): return parts.contains { holds($0, groups) }
    case .not(let part): return !holds(part, groups)
    case .comparison(.score(let name), let comparison):
      guard let group = groups[name] else { return false }
      switch comparison {
      case .text(.is, let text): return group.labels.contains(text)
      case .text(_, let text): return group.labels.contains { $0.contains(text) }
      case .number(let relation, let number):
        guard let mean = group.mean else { return false }
        let other = number.double
        switch relation {
        case .equal: return mean == other
        case .less: return mean < other
        case .lessOrEqual: return mean <= other
        case .greater: return mean > other
        case .greaterOrEqual: return mean >= other
        }
      default: return true
      }
    default: return false
    }
  }

  @Test(arguments: 0..<4)
  func `filters choose by means and labels what a naive reading of them chooses`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed + 200)
    let fixture = try LedgerFixture()
    var model = Model()
    try Self.apply(
      SpanSource.traces(&random, count: 25), Self.scores(&random, count: 120), to: fixture, &model, &random)
    let owners = try Owners(fixture)
    let groups = Self.groups(model, owners)
    let reader = try LedgerReader(path: fixture.configuration.path)
    for _ in 0..<100 {
      let condition = Self.condition(&random, depth: 2)
      for sort in [nil, "cost"] {
        var query = LedgerQuery(sort: sort)
        query.filter = Filter(condition)
        let found: [(LedgerView, [String], [String])] = [
          (
            .users, try reader.users(query).rows.map(\.endUser),
            try reader.users(LedgerQuery(limit: 1000)).rows.map(\.endUser)
          ),
          (
            .sessions, try reader.sessions(query).rows.map(\.session),
            try reader.sessions(LedgerQuery(limit: 1000)).rows.map(\.session)
          ),
          (
            .traces, try reader.traces(query).rows.map(\.trace),
            try reader.traces(LedgerQuery(limit: 1000)).rows.map(\.trace)
          ),
        ]
        for (view, rows, all) in found {
          let expected = all.filter { Self.holds(condition, groups[view]?[$0] ?? [:]) }
          #expect(rows.sorted() == expected.sorted(), "\(view): \(condition)")
        }
      }
    }
  }
}
