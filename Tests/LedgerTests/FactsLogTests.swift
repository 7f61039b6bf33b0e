import Facts
import Locks
import Pipeline
import SelfTelemetry
import Spool
import Testing

@testable import Ledger

/// What waits on disk for the ledger: taken over by the next run, once.
@Suite struct FactsLogTests {
  private static func spool(_ fixture: LedgerFixture) throws -> Spool {
    try Spool(
      Spool.Configuration(directory: fixture.directory + "/facts"), budget: SpoolBudget(maxBytes: 1 << 30),
      log: fixture.log, registry: fixture.registry, labels: [])
  }

  private static func log(_ spool: Spool, _ fixture: LedgerFixture, maxBytes: Int = 1 << 20) -> FactsLog {
    FactsLog(
      spool, maxBytes: maxBytes, metrics: LedgerTapMetrics(registry: fixture.registry, pipeline: "traces"),
      log: fixture.log)
  }

  private static func chunk(_ trace: UInt64) -> FactsChunk {
    FactsChunk([TestSpan(trace: trace, id: 1, endUser: "ada"), TestSpan(trace: trace, id: 2, parent: 1)])
  }

  @Test func `what a run that ended early left in the log is in the ledger after the next one, once`() throws {
    let fixture = try LedgerFixture()
    let safe = Locked(0)
    do {
      let spool = try Self.spool(fixture)
      // Its thread never starts: nothing is written.
      let ledger = try fixture.ledger()
      let feed = ledger.feed(pipeline: "traces", log: Self.log(spool, fixture))
      feed.start()
      for number in 1...20 as ClosedRange<UInt64> {
        #expect(feed.take(Self.chunk(number), sequence: number) { safe.withLock { $0 += 1 } })
      }
      ledger.stop(until: 0)
      spool.stop()
    }
    #expect(safe.withLock { $0 } == 20)
    #expect(try fixture.rows("SELECT count(*) FROM traces") == ["0"])

    let spool = try Self.spool(fixture)
    let ledger = try fixture.ledger()
    ledger.start()
    let feed = ledger.feed(pipeline: "traces", log: Self.log(spool, fixture))
    feed.start()
    // The pipeline's spool has not heard that they are safe, and offers one again.
    #expect(feed.isApplied(7) && !feed.isApplied(21))
    #expect(feed.take(Self.chunk(7), sequence: 7) { safe.withLock { $0 += 1 } })
    #expect(feed.take(Self.chunk(21), sequence: 21) { safe.withLock { $0 += 1 } })
    ledger.stop(until: .max)
    #expect(safe.withLock { $0 } == 22)
    #expect(try fixture.rows("SELECT traces, observations FROM users WHERE name = 'ada'") == ["21|42"])
    #expect(fixture.registry.value("heirloom_ledger_duplicate_spans") == 0)
    spool.stop()
    #expect(try Self.left(fixture) == 0)
  }

  @Test func `what is in the ledger already is not taken over again`() throws {
    let fixture = try LedgerFixture()
    do {
      let spool = try Self.spool(fixture)
      let ledger = try fixture.ledger()
      let feed = ledger.feed(pipeline: "traces", log: Self.log(spool, fixture))
      #expect(feed.take(Self.chunk(1), sequence: 1) {})
      ledger.stop(until: 0)
      spool.stop()
    }
    // As if the process had ended between the transaction and the news of it.
    try fixture.writer().apply([Arrival(facts: Self.chunk(1), pipeline: "traces", sequence: 1)])

    let spool = try Self.spool(fixture)
    let ledger = try fixture.ledger()
    ledger.start()
    let feed = ledger.feed(pipeline: "traces", log: Self.log(spool, fixture))
    feed.start()
    ledger.stop(until: .max)
    spool.stop()
    #expect(fixture.registry.value("heirloom_ledger_duplicate_spans") == 0)
    #expect(try fixture.rows("SELECT observations FROM users WHERE name = 'ada'") == ["2"])
    #expect(try Self.left(fixture) == 0)
  }

  @Test func `scores that came by themselves are safe in the log, and in the ledger once after the next start`() throws
  {
    let fixture = try LedgerFixture()
    let answers = Locked<[Refusal?]>([])
    func scores(_ number: Double) -> [Score] {
      (1...3).map {
        Score(id: "\($0)", name: "helpful", number: number, trace: TestSpan(trace: 1).traceID, timestamp: 1)
      }
    }
    do {
      let spool = try Self.spool(fixture)
      let ledger = try fixture.ledger()
      let feed = ledger.feed(pipeline: "traces", log: Self.log(spool, fixture))
      #expect(feed.refusal == nil)
      for number in [0.2, 0.4] { feed.take(scores(number)) { answer in answers.withLock { $0.append(answer) } } }
      #expect(feed.take(Self.chunk(1), sequence: 1) {})
      ledger.stop(until: 0)
      spool.stop()
    }
    #expect(answers.withLock { $0 } == [nil, nil])
    let spool = try Self.spool(fixture)
    let ledger = try fixture.ledger()
    ledger.start()
    ledger.feed(pipeline: "traces", log: Self.log(spool, fixture)).start()
    ledger.stop(until: .max)
    spool.stop()
    let reader = try LedgerReader(path: fixture.configuration.path)
    let summary = ScoreSummary(name: "helpful", count: 3, mean: 0.4, latest: .number(0.4))
    #expect(try reader.user("ada")?.user.scores == [summary])
    #expect(try fixture.rows("SELECT first, last FROM applied") == ["1|1"])
    #expect(try Self.left(fixture) == 0)
  }

  @Test func `without a log, scores are safe when they are in the ledger, and their sender hears when they never are`()
    throws
  {
    let fixture = try LedgerFixture()
    let answers = Locked<[Bool]>([])
    let score = Score(id: "1", name: "helpful", number: 1, session: "s", timestamp: 1)
    do {
      // Its thread never starts.
      let ledger = try fixture.ledger()
      ledger.feed(pipeline: "traces").take([score]) { refusal in answers.withLock { $0.append(refusal == nil) } }
      #expect(answers.withLock { $0.isEmpty })
      ledger.stop(until: 0)
      ledger.feed(pipeline: "traces").take([score]) { refusal in answers.withLock { $0.append(refusal == nil) } }
    }
    #expect(answers.withLock { $0 } == [false, false])
    let ledger = try fixture.ledger()
    ledger.start()
    ledger.feed(pipeline: "traces").take([score]) { refusal in answers.withLock { $0.append(refusal == nil) } }
    ledger.stop(until: .max)
    #expect(answers.withLock { $0 } == [false, false, true])
    #expect(try fixture.rows("SELECT score FROM scores") == ["1"])
  }

  @Test func `a full log takes nothing, until the ledger has what is in it`() throws {
    let fixture = try LedgerFixture()
    let spool = try Self.spool(fixture)
    defer { spool.stop() }
    let ledger = try fixture.ledger()
    let feed = ledger.feed(pipeline: "traces", log: Self.log(spool, fixture, maxBytes: 1))
    #expect(feed.hasRoom)
    #expect(feed.take(Self.chunk(1), sequence: 1) {})
    #expect(!feed.hasRoom)
    ledger.start()
    ledger.stop(until: .max)
    #expect(feed.hasRoom)
  }

  /// Its records could not repeat one another yet, and their form is still that of a list's first.
  @Test func `what the first version wrote is taken`() throws {
    let fixture = try LedgerFixture()
    let (spool, ledger) = (try Self.spool(fixture), try fixture.ledger())
    let span = TestSpan(name: "of old", endUser: "ada")
    var payload: [UInt8] = []
    func add(_ number: some FixedWidthInteger) {
      withUnsafeBytes(of: number.littleEndian) { payload.append(contentsOf: $0) }
    }
    add(1 as UInt32)
    add(1 as UInt32)
    add(7 as UInt64)
    add(6 as UInt32)
    payload += Array("traces".utf8)
    payload += FactsChunk([span]).bytes.withUnsafeBytes { Array($0) }
    try payload.withUnsafeBytes { _ = try spool.append([$0], unitCount: 1) }
    spool.stop()
    let next = try Self.spool(fixture)
    ledger.start()
    ledger.feed(pipeline: "traces", log: Self.log(next, fixture)).start()
    ledger.stop(until: .max)
    next.stop()
    #expect(fixture.registry.value("heirloom_ledger_given_up_requests", labels: [("pipeline", "traces")]) == 0)
    #expect(try fixture.rows("SELECT name FROM users WHERE id > 0") == ["ada"])
    #expect(try Self.left(fixture) == 0)
  }

  @Test func `what another version wrote is given up and told, and the rest taken`() throws {
    let fixture = try LedgerFixture()
    do {
      let spool = try Self.spool(fixture)
      let ledger = try fixture.ledger()
      let feed = ledger.feed(pipeline: "traces", log: Self.log(spool, fixture))
      for bytes in [[UInt8](repeating: 9, count: 64), [1], []] {
        try bytes.withUnsafeBytes { _ = try spool.append([$0], unitCount: 1) }
      }
      #expect(feed.take(Self.chunk(1), sequence: 1) {})
      ledger.stop(until: 0)
      spool.stop()
    }
    let spool = try Self.spool(fixture)
    let ledger = try fixture.ledger()
    ledger.start()
    ledger.feed(pipeline: "traces", log: Self.log(spool, fixture)).start()
    ledger.stop(until: .max)
    spool.stop()
    #expect(fixture.registry.value("heirloom_ledger_given_up_requests", labels: [("pipeline", "traces")]) == 3)
    #expect(fixture.lines.withLock { $0.contains { $0.contains("facts that waited for the ledger are lost") } })
    #expect(try fixture.rows("SELECT count(*) FROM traces") == ["1"])
    #expect(try Self.left(fixture) == 0)
  }

  /// Records that the next run would find.
  private static func left(_ fixture: LedgerFixture) throws -> Int {
    let spool = try spool(fixture)
    defer { spool.stop() }
    return spool.replayCount
  }
}
