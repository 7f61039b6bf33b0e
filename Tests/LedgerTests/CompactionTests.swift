import CSQLite
import Foundation
import Testing

@testable import Ledger

@Suite struct CompactionTests {
  /// Traces for two users, nine of ten for the first, in 20 transactions.
  private func write(
    _ users: (String, String), from first: UInt64 = 0, perTransaction count: UInt64 = 100, to writer: LedgerWriter
  ) throws {
    for transaction in 0..<20 as Range<UInt64> {
      let spans = (1...count).map { number in
        let user = number % 10 == 0 ? users.1 : users.0
        return TestSpan(
          trace: first + transaction * count + number, endUser: user, session: "\(user)-\(transaction)",
          metadata: #"{"notes":"\#(String(repeating: "x", count: 500))\#(number)-\#(first + transaction)"}"#)
      }
      try writer.apply([Arrival(spans)])
    }
  }

  /// A ledger of which most was written for somebody who is forgotten: what she leaves behind is free.
  private func mostlyFree() throws -> (LedgerFixture, LedgerWriter) {
    let fixture = try LedgerFixture()
    let writer = try fixture.writer()
    try write(("eve", "ada"), to: writer)
    _ = try writer.forget(endUser: "eve")
    return (fixture, writer)
  }

  private func fileSize(_ fixture: LedgerFixture) throws -> Int {
    try Data(contentsOf: URL(fileURLWithPath: fixture.configuration.path)).count
  }

  private func sortedTables(_ fixture: LedgerFixture) throws -> [String: [String]] {
    try fixture.tables().mapValues { $0.sorted() }
  }

  @Test func `what is free goes back to the file system, and nothing else changes`() throws {
    let (fixture, writer) = try mostlyFree()
    let reader = try LedgerFile.openForReading(path: fixture.configuration.path)
    #expect(try reader.int("SELECT count(*) FROM traces") == 200)
    let (before, size) = (try sortedTables(fixture), try fileSize(fixture))
    let saved = try #require(try writer.compact(leastFree: 0) { true })
    #expect(saved > Int64(size / 2))
    #expect(try fileSize(fixture) == size - Int(saved))
    #expect(try fixture.rows("PRAGMA integrity_check") == ["ok"])
    #expect(try sortedTables(fixture) == before)
    #expect(try reader.int("SELECT count(*) FROM traces") == 200)
    // The same writer goes on.
    try writer.apply([Arrival([TestSpan(trace: 10, id: 2, parent: 1), TestSpan(trace: 5000, endUser: "bob")])])
    #expect(
      try fixture.rows("SELECT name, traces, observations FROM users WHERE id > 0 ORDER BY name")
        == ["ada|200|201", "bob|1|1"])
    #expect(try fixture.rows("PRAGMA temp_store") == ["0"])
    #expect(try writer.database.int("PRAGMA temp_store") == 2)
    // Nothing is left to give back.
    #expect(try writer.compact(leastFree: 0) { true } == nil)
  }

  @Test func `a file that is mostly in use, or has little to give, keeps its size`() throws {
    let (fixture, writer) = try mostlyFree()
    let size = try fileSize(fixture)
    #expect(try writer.compact { true } == nil)
    #expect(try writer.compact(leastFree: Int64(size)) { true } == nil)
    try write(("bob", "bob"), from: 10_000, perTransaction: 50, to: writer)
    // What was free is used again.
    #expect(try fileSize(fixture) <= size)
    #expect(try fixture.rows("SELECT freelist_count > 0 FROM pragma_freelist_count") == ["1"])
    #expect(try writer.compact(leastFree: 0) { true } == nil)
  }

  @Test func `a ledger that stops does not wait for it`() throws {
    let (fixture, writer) = try mostlyFree()
    let (before, size) = (try sortedTables(fixture), try fileSize(fixture))
    let error = #expect(throws: LedgerError.self) { try writer.compact(leastFree: 0) { false } }
    guard case .database(_, SQLITE_INTERRUPT, _) = error else { throw try #require(error) }
    #expect(try fileSize(fixture) == size)
    #expect(try sortedTables(fixture) == before)
    // Other statements are not interrupted, and the next attempt is whole.
    try writer.apply([Arrival([TestSpan(trace: 5000, endUser: "bob")])])
    #expect(try writer.compact(leastFree: 0) { true } ?? 0 > 0)
    #expect(try fixture.rows("PRAGMA integrity_check") == ["ok"])
    #expect(try fixture.rows("SELECT name FROM users WHERE id > 0 ORDER BY name") == ["ada", "bob"])
  }

  @Test func `a ledger whose pages knew who refers to them needs that no more`() throws {
    let fixture = try LedgerFixture()
    let writer = try fixture.writer()
    try fixture.makePagesKnown()
    #expect(try fixture.rows("PRAGMA auto_vacuum") == ["2"])
    try write(("eve", "ada"), to: writer)
    _ = try writer.forget(endUser: "eve")
    #expect(try writer.compact(leastFree: 0) { true } ?? 0 > 0)
    #expect(try fixture.rows("PRAGMA auto_vacuum") == ["0"])
    #expect(try fixture.rows("PRAGMA integrity_check") == ["ok"])
    #expect(try fixture.rows("SELECT name, traces FROM users WHERE id > 0") == ["ada|200"])
  }
}
