import EndUser
import Facts
import Locks
import Testing
import TestSupport

@testable import Ledger

/// The writer against a model that finds everything out anew: every column of every table, whatever order spans come in.
@Suite struct LedgerModelTests {
  private struct Run {
    var fixture: LedgerFixture
    var model: LedgerModel

    init(_ configure: (inout LedgerConfiguration) -> Void) throws {
      fixture = try LedgerFixture()
      configure(&fixture.configuration)
      model = LedgerModel(fixture.configuration)
    }

    /// Compares everything.
    mutating func check(_ comment: String) throws {
      let expected = model.tables()
      for (table, rows) in try fixture.tables() {
        let (found, wanted) = (rows.sorted(), expected[table]?.sorted() ?? [])
        guard found != wanted else { continue }
        let unexpected = found.filter { !wanted.contains($0) }
        let missing = wanted.filter { !found.contains($0) }
        Issue.record("\(comment): \(table)\nfound only\n\(unexpected.prefix(3))\nwanted only\n\(missing.prefix(3))")
      }
    }
  }

  /// Applies spans in transactions of random sizes, several requests each, some of them twice, with new writers in between.
  private static func apply(
    _ spans: [TestSpan], to run: inout Run, mostMoved: Int, stillMoves: Bool = false, _ random: inout SeededGenerator
  ) throws {
    var spans = spans
    for span in spans where random.once(in: 5) { spans.append(span) }
    // Mostly by trace, as spans come, or in any order at all.
    if random.once(in: 2) { spans.shuffle(using: &random) }
    var writer = try run.fixture.writer()
    writer.mostMoved = mostMoved
    while !spans.isEmpty {
      run.fixture.clock.withLock { $0 += 1_000_000_000 }
      var batch: [Arrival] = []
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let count = min(Int.random(in: 1...40, using: &random), spans.count)
        batch.append(Arrival(Array(spans.prefix(count))))
        for span in spans.prefix(count) { run.model.add(span, at: run.fixture.clock.withLock { $0 }) }
        spans.removeFirst(count)
      }
      try writer.apply(batch)
      if random.once(in: 6) {
        writer = try run.fixture.writer()
        writer.mostMoved = mostMoved
      }
    }
    while writer.isMoving && !stillMoves { try writer.apply([]) }
  }

  @Test(arguments: 0..<24)
  func `sums up what all distinct spans say`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var run = try Run {
      $0.inheritsSessionUser = seed % 4 != 0
      $0.tracesAreSessions = seed % 3 == 0
      $0.maxSpansPerTree = seed % 5 == 0 ? 4 : 10_000
      $0.fallback = seed % 2 == 0 ? .topmost : .none
    }
    let spans = SpanSource.traces(&random, count: 25)
    try Self.apply(spans, to: &run, mostMoved: seed % 2 == 0 ? 2 : 5000, &random)
    try run.check("seed \(seed)")
  }

  @Test(arguments: 0..<8)
  func `takes off what traces added that are too old or too many`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let boundary: Int64 = 1_700_000_000_000_000_000 + 20 * 6_000_000_000_000
    var run = try Run {
      $0.maxAge = seed % 2 == 0 ? .nanoseconds(1_800_000_010_000_000_000 - boundary) : nil
      $0.maxTraces = seed % 2 == 1 ? 10 : nil
      $0.inheritsSessionUser = seed % 3 != 0
    }
    let spans = SpanSource.traces(&random, count: 30)
    try Self.apply(spans, to: &run, mostMoved: 5000, &random)
    let writer = try run.fixture.writer()
    #expect(try writer.retain().tally.removedTraces == 0, "all are within the dedup window")

    let now: Int64 = 1_800_000_010_000_000_000 + (seed % 2 == 0 ? 0 : 7_200_000_000_000)
    run.fixture.clock.withLock { $0 = now }
    run.model.resolve()
    let order = run.model.traces.enumerated().sorted { ($0.element.start, $0.offset) < ($1.element.start, $1.offset) }
    let late = Set(order.suffix(10).map(\.element.id))
    run.fixture.configuration.dedupWindow = .zero
    let later = try run.fixture.writer()
    _ = try later.retain()
    run.model.remove { seed % 2 == 0 ? $0.start < boundary : !late.contains($0.id) }
    try run.check("seed \(seed)")
    // What comes after that is as good as ever.
    try Self.apply(
      SpanSource.traces(&random, count: 10).map { span in
        var span = span
        span.trace += 100
        return span
      }, to: &run, mostMoved: 5000, &random)
    try run.check("seed \(seed), later")
  }

  @Test(arguments: 0..<16)
  func `nothing stays of a forgotten user but what others have`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var run = try Run { $0.inheritsSessionUser = seed % 3 != 0 }
    let isMoving = seed % 2 == 1
    try Self.apply(
      SpanSource.traces(&random, count: 30), to: &run, mostMoved: isMoving ? 1 : 5000, stillMoves: isMoving, &random)
    run.model.resolve()
    let traces = run.model.traces.filter { $0.user == "ada" }
    let writer = try run.fixture.writer()
    writer.mostMoved = isMoving ? 1 : 5000
    writer.mostErased = seed % 4 < 2 ? 2 : 1000
    let erasure = try writer.forget(endUser: "ada")
    run.model.remove { $0.user == "ada" }
    try run.check("seed \(seed)")
    #expect(erasure.traces == traces.count)
    #expect(erasure.observations == traces.reduce(0) { $0 + Int($1.observations) })
    #expect(try run.fixture.rows("SELECT name FROM users WHERE name = 'ada'").isEmpty)
  }
}
