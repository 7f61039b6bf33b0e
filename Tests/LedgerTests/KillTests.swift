import Facts
import Foundation
import Glibc
import Locks
import TestSupport
import Testing

@testable import Ledger

/// The file after a process that was killed while it wrote.
@Suite struct KillTests {
  private static func requests() -> [Arrival] {
    var random = SeededGenerator(seed: 11)
    let spans = SpanSource.traces(&random, count: 3000).shuffled(using: &random)
    return stride(from: 0, to: spans.count, by: 50).map { place in
      // Of traces that came, or are still to come; each replaces one of some requests before.
      let scores = (0..<5).map { number in
        Score(
          id: "\(place / 250) \(number)", name: "helpful", number: Double.random(in: 0...1, using: &random),
          label: random.once(in: 2) ? "yes" : nil, trace: spans.randomElement(using: &random)!.traceID,
          timestamp: UInt64(place))
      }
      return Arrival(
        Array(spans[place..<min(place + 50, spans.count)]), scores: scores, sequence: UInt64(place / 50))
    }
  }

  /// Writes everything, a request a transaction, and is killed after a while.
  private static func writeUntilKilled(path: String, after microseconds: UInt32) throws {
    let requests = requests()
    let writer = try LedgerWriter(LedgerConfiguration(path: path), now: { 1 })
    let killer = BackgroundThread(name: "killer") {
      usleep(microseconds)
      kill(getpid(), SIGKILL)
    }
    while true {
      for request in requests where !writer.applied.contains(request.sequence!, of: "traces") {
        try writer.apply([request])
      }
      // All was written before: it is killed all the same.
      killer.join()
    }
  }

  @Test func `what is replayed after kill -9 adds up as if nothing had happened`() async throws {
    let fixture = try LedgerFixture()
    let path = fixture.configuration.path
    for round in 1...4 as ClosedRange<UInt32> {
      await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String, round = round as UInt32] in
        try KillTests.writeUntilKilled(path: path, after: 30_000 * round)
      }
      #expect(try fixture.rows("PRAGMA integrity_check") == ["ok"])
    }
    let requests = Self.requests()
    fixture.clock.withLock { $0 = 1 }
    let writer = try fixture.writer()
    let known = requests.filter { writer.applied.contains($0.sequence!, of: "traces") }
    #expect(!known.isEmpty)
    // Some of it a second time: a collector does not know what was applied but not yet said to be.
    for request in requests.dropFirst(known.count / 2) { try writer.apply([request]) }

    let other = try LedgerFixture()
    other.clock.withLock { $0 = 1 }
    let undisturbed = try other.writer()
    for request in requests { try undisturbed.apply([request]) }
    let (found, expected) = (try fixture.tables(), try other.tables())
    for (table, rows) in expected { #expect(found[table]?.sorted() == rows.sorted(), "\(table)") }
    #expect(found["scores"]?.isEmpty == false)
    #expect(try fixture.rows("SELECT first FROM applied") == ["0"])
  }
}
