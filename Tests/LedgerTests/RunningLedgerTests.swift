import Foundation
import Glibc
import Locks
import SelfTelemetry
import TestSupport
import Testing

@testable import Ledger

/// The ledger's thread: what it takes, when it says that something is in the file, and what it does when the file refuses.
@Suite struct RunningLedgerTests {
  private static func chunk(_ trace: UInt64, user: String = "ada") -> FactsChunk {
    FactsChunk([TestSpan(trace: trace, id: 1, endUser: user), TestSpan(trace: trace, id: 2, parent: 1)])
  }

  private static let soon = UInt64.max

  @Test func `what was taken is in the file when it is said to be`() throws {
    let fixture = try LedgerFixture()
    let ledger = try fixture.ledger()
    ledger.start()
    let feed = ledger.feed(pipeline: "traces")
    let wrong = Locked(0)
    let told = Locked(0)
    let path = fixture.configuration.path
    for number in 1...50 as ClosedRange<UInt64> {
      let isTaken = feed.take(Self.chunk(number), sequence: number) {
        let digits = String(format: "%02x", number)
        let rows = try? LedgerFixture.rows("SELECT id FROM traces WHERE substr(trace, 1, 1) = x'\(digits)'", in: path)
        if rows?.count != 1 || !feed.isApplied(number) { wrong.withLock { $0 += 1 } }
        told.withLock { $0 += 1 }
      }
      #expect(isTaken)
    }
    ledger.stop(until: Self.soon)
    #expect(told.withLock { $0 } == 50)
    #expect(wrong.withLock { $0 } == 0)
    #expect(fixture.registry.value("heirloom_ledger_spans") == 100)
    #expect(fixture.registry.value("heirloom_ledger_queue_bytes") == 0)
    #expect(!feed.take(Self.chunk(51), sequence: 51) {})
    #expect(!FileManager.default.fileExists(atPath: fixture.configuration.path + "-wal"))
  }

  @Test func `a stop whose ledger is locked ends, and tells what is lost`() throws {
    let fixture = try LedgerFixture()
    let ledger = try fixture.ledger()
    let other = try Database(path: fixture.configuration.path, mode: .readWrite)
    try other.execute("BEGIN IMMEDIATE")
    ledger.start()
    let feed = ledger.feed(pipeline: "traces")
    #expect(feed.take(Self.chunk(1), sequence: 1) {})
    // Of a request that no spool has.
    #expect(feed.take(Self.chunk(2), sequence: nil) {})
    ledger.stop(until: MonotonicClock.now() + 100_000_000)
    try other.execute("ROLLBACK")
    #expect(try fixture.rows("SELECT count(*) FROM traces") == ["0"])
    let lines = fixture.lines.withLock { $0 }
    #expect(lines.contains { $0.contains("the ledger stops without what requests said") && $0.contains("requests=1") })
  }

  @Test func `somebody's lock is waited for until the time that was said`() throws {
    let fixture = try LedgerFixture()
    let writer = try fixture.writer()
    let other = try Database(path: fixture.configuration.path, mode: .readWrite)
    try other.execute("BEGIN IMMEDIATE")
    let asked = Locked(0)
    writer.wait {
      asked.withLock { $0 += 1 }
      return asked.withLock { $0 } < 3 ? .max : 0
    }
    #expect(throws: LedgerError.self) { try writer.apply([Arrival([TestSpan(endUser: "ada")])]) }
    #expect(asked.withLock { $0 } == 3)
    try other.execute("ROLLBACK")
    try writer.apply([Arrival([TestSpan(endUser: "ada")])])
    #expect(try fixture.rows("SELECT name FROM users WHERE id > 0") == ["ada"])
  }

  @Test func `a request that is in the ledger is not taken again, in the next run neither`() throws {
    let fixture = try LedgerFixture()
    for run in 1...2 {
      let ledger = try fixture.ledger()
      ledger.start()
      let feed = ledger.feed(pipeline: "traces")
      let told = Locked(0)
      for number in [7, 8, 10] as [UInt64] {
        #expect(feed.isApplied(number) == (run == 2))
        #expect(feed.take(Self.chunk(number), sequence: number) { told.withLock { $0 += 1 } })
        // Within the call.
        if run == 2 { #expect(told.withLock { $0 } > 0) }
      }
      #expect(!feed.isApplied(9) && !ledger.feed(pipeline: "others").isApplied(7))
      ledger.stop(until: Self.soon)
      #expect(told.withLock { $0 } == 3)
    }
    #expect(try fixture.rows("SELECT pipeline, first, last FROM applied") == ["traces|7|8", "traces|10|10"])
    #expect(fixture.registry.value("heirloom_ledger_spans") == 6)
    #expect(fixture.registry.value("heirloom_ledger_duplicate_spans") == 0)
  }

  @Test func `no more is taken than memory is granted for`() throws {
    let fixture = try LedgerFixture()
    fixture.configuration.maxBufferedMiB = 1
    let ledger = try fixture.ledger()
    let feed = ledger.feed(pipeline: "traces")
    let large = FactsChunk([TestSpan(endUser: String(repeating: "x", count: 300_000))])
    let told = Locked(0)
    // Nobody writes yet.
    var taken = 0
    while taken < 10, feed.take(large, sequence: nil, safe: { told.withLock { $0 += 1 } }) { taken += 1 }
    #expect(taken == 3)
    #expect(fixture.registry.value("heirloom_ledger_full") == 1)
    #expect(fixture.registry.value("heirloom_ledger_queue_requests") == 3)
    ledger.start()
    #expect(eventually { feed.take(large, sequence: nil, safe: { told.withLock { $0 += 1 } }) })
    ledger.stop(until: Self.soon)
    #expect(told.withLock { $0 } == 4)
  }

  @Test func `a full disk loses nothing, and nothing is counted twice`() throws {
    let fixture = try LedgerFixture()
    let writer = try fixture.writer()
    try writer.apply([Arrival([TestSpan(trace: 1, endUser: "ada", session: "s")])])
    let pages = try #require(try writer.database.int("PRAGMA page_count"))
    try writer.database.execute("PRAGMA max_page_count = \(pages + 2)")
    let batch = (2...2000).map { Arrival([TestSpan(trace: $0, endUser: "ada", session: "s")], sequence: $0) }
    let error = #expect(throws: LedgerError.self) { try writer.apply(batch) }
    #expect(error?.description.contains("full") == true)
    #expect(!writer.applied.contains(2, of: "traces"))
    #expect(try fixture.rows("SELECT traces FROM users") == ["1", "1"])
    try writer.database.execute("PRAGMA max_page_count = 100000")
    #expect(try writer.apply(batch).spans == 1999)
    #expect(writer.applied.contains(2, of: "traces"))
    #expect(try fixture.rows("SELECT traces FROM users") == ["2000", "2000"])
    #expect(try fixture.rows("SELECT traces FROM sessions") == ["2000"])
  }

  @Test func `a ledger that is deleted underneath is noticed, and begun anew`() throws {
    let fixture = try LedgerFixture()
    let ledger = try fixture.ledger()
    ledger.start()
    let feed = ledger.feed(pipeline: "traces")
    let told = Locked(0)
    #expect(feed.take(Self.chunk(1), sequence: 1) { told.withLock { $0 += 1 } })
    #expect(eventually { told.withLock { $0 } == 1 })
    for suffix in ["", "-wal", "-shm"] { unlink(fixture.configuration.path + suffix) }
    #expect(feed.take(Self.chunk(2), sequence: 2) { told.withLock { $0 += 1 } })
    #expect(eventually { told.withLock { $0 } == 2 })
    #expect(!feed.isApplied(1) && feed.isApplied(2))
    ledger.stop(until: Self.soon)
    #expect(try fixture.rows("SELECT traces FROM users WHERE name = 'ada'") == ["1"])
    #expect(fixture.lines.withLock { $0.contains { $0.contains("the ledger's file is gone") } })
    #expect(fixture.registry.value("heirloom_ledger_failed_transactions") == 1)
  }

  @Test func `something else in the ledger's place is left alone, and what came is given up at the deadline`() throws {
    let fixture = try LedgerFixture()
    let ledger = try fixture.ledger()
    ledger.start()
    for suffix in ["-wal", "-shm"] { unlink(fixture.configuration.path + suffix) }
    try "something else".write(toFile: fixture.configuration.path, atomically: true, encoding: .utf8)
    let feed = ledger.feed(pipeline: "traces")
    let told = Locked(0)
    #expect(feed.take(Self.chunk(1), sequence: 1) { told.withLock { $0 += 1 } })
    #expect(eventually { fixture.lines.withLock { $0.contains { $0.contains("is not a ledger") } } })
    // An order is answered, though nothing can be done.
    #expect(throws: LedgerError.self) { try ledger.forget(endUser: "ada") }
    ledger.stop(until: MonotonicClock.now())
    #expect(told.withLock { $0 } == 0)
    #expect(try String(contentsOfFile: fixture.configuration.path, encoding: .utf8) == "something else")
  }

  @Test func `a user is forgotten between two transactions`() throws {
    let fixture = try LedgerFixture()
    let ledger = try fixture.ledger()
    ledger.start()
    let feed = ledger.feed(pipeline: "traces")
    let told = Locked(0)
    for number in 1...20 as ClosedRange<UInt64> {
      #expect(
        feed.take(Self.chunk(number, user: number % 2 == 0 ? "ada" : "eve"), sequence: number) {
          told.withLock { $0 += 1 }
        })
    }
    // What was taken before is written before.
    let erasure = try ledger.forget(endUser: "eve")
    #expect(erasure.traces == 10 && erasure.observations == 20)
    #expect(feed.take(Self.chunk(21, user: "eve"), sequence: 21) { told.withLock { $0 += 1 } })
    ledger.stop(until: Self.soon)
    #expect(told.withLock { $0 } == 21)
    #expect(try fixture.rows("SELECT name FROM users WHERE id > 0") == ["ada"])
    #expect(fixture.registry.value("heirloom_ledger_refused_spans") == 2)
    #expect(throws: LedgerError.stopped) { try ledger.forget(endUser: "ada") }
  }

  @Test func `sessions whose roots disagree are counted once and said`() throws {
    let fixture = try LedgerFixture()
    let ledger = try fixture.ledger()
    ledger.start()
    let feed = ledger.feed(pipeline: "traces")
    let told = Locked(0)
    for (number, user) in ["ada", "bob", "ada"].enumerated() {
      let span = TestSpan(
        trace: UInt64(number) + 1, start: 1_700_000_000_000_000_000 + UInt64(number), endUser: user, session: "s")
      #expect(feed.take(FactsChunk([span]), sequence: nil) { told.withLock { $0 += 1 } })
      #expect(eventually { told.withLock { $0 } == number + 1 })
    }
    ledger.stop(until: Self.soon)
    #expect(fixture.registry.value("heirloom_ledger_conflicting_sessions") == 1)
    #expect(fixture.lines.withLock { $0.count { $0.contains("different end users") } } == 1)
    #expect(try fixture.rows("SELECT u.name, disagrees FROM sessions JOIN users u ON u.id = user") == ["ada|1"])
  }

  @Test func `old traces go while the ledger runs`() throws {
    let fixture = try LedgerFixture()
    fixture.configuration.maxTraces = 5
    fixture.configuration.dedupWindow = .zero
    let ledger = try fixture.ledger()
    let feed = ledger.feed(pipeline: "traces")
    for number in 1...30 as ClosedRange<UInt64> {
      var span = TestSpan(trace: number, endUser: "ada")
      span.start += number
      #expect(feed.take(FactsChunk([span]), sequence: number) {})
    }
    ledger.start()
    #expect(eventually { fixture.registry.value("heirloom_ledger_removed_traces") == 25 })
    ledger.stop(until: Self.soon)
    #expect(
      try fixture.rows("SELECT traces, first_event FROM users") == Array(repeating: "5|1700000000000000026", count: 2))
  }
}
