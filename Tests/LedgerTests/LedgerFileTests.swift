import Foundation
import Testing

@testable import Ledger

@Suite struct LedgerFileTests {
  @Test func `a new ledger says what it is, and is found again`() throws {
    let fixture = try LedgerFixture()
    fixture.configuration.path = fixture.directory + "/some/where/ledger.db"
    try fixture.writer().apply([Arrival([TestSpan(endUser: "ada")])])
    #expect(try fixture.rows("PRAGMA application_id") == [String(Schema.applicationID)])
    #expect(try fixture.rows("PRAGMA user_version") == [String(Schema.migrations.count)])
    #expect(try fixture.rows("PRAGMA auto_vacuum") == ["0"])
    #expect(try fixture.rows("PRAGMA journal_mode") == ["wal"])
    try fixture.writer().apply([Arrival([TestSpan(trace: 2, endUser: "ada")])])
    #expect(try fixture.rows("SELECT name, traces FROM users WHERE id > 0") == ["ada|2"])
    let mode = try FileManager.default.attributesOfItem(atPath: fixture.configuration.path)[.posixPermissions]
    #expect((mode as? Int).map { $0 & 0o7 } == 0)
  }

  @Test func `an empty file becomes a ledger`() throws {
    let fixture = try LedgerFixture()
    try Data().write(to: URL(fileURLWithPath: fixture.configuration.path))
    _ = try fixture.writer()
    #expect(try fixture.rows("PRAGMA application_id") == [String(Schema.applicationID)])
  }

  @Test func `what is no ledger stays as it is`() throws {
    let fixture = try LedgerFixture()
    let path = fixture.configuration.path
    for text in ["not a database", String(repeating: "x", count: 100_000)] {
      try text.write(toFile: path, atomically: true, encoding: .utf8)
      #expect(throws: LedgerError.notALedger(path: path)) { try fixture.writer() }
      #expect(throws: LedgerError.notALedger(path: path)) { try LedgerFile.openForReading(path: path) }
      #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
    }
    try FileManager.default.removeItem(atPath: path)
    try Database(path: path, mode: .create).execute("CREATE TABLE somebodys (thing TEXT)")
    #expect(throws: LedgerError.notALedger(path: path)) { try fixture.writer() }
    #expect(try fixture.rows("SELECT name FROM sqlite_schema") == ["somebodys"])
  }

  @Test func `a later version is not touched`() throws {
    let fixture = try LedgerFixture()
    _ = try fixture.writer()
    try Database(path: fixture.configuration.path, mode: .readWrite).execute("PRAGMA user_version = 99")
    let error = LedgerError.tooNew(path: fixture.configuration.path, version: 99, known: Schema.migrations.count)
    #expect(throws: error) { try fixture.writer() }
    #expect(throws: error) { try LedgerFile.openForReading(path: fixture.configuration.path) }
    #expect("\(error)".contains("version 99"))
  }

  @Test func `who only reads makes nothing`() throws {
    let fixture = try LedgerFixture()
    let path = fixture.configuration.path
    #expect(throws: LedgerError.missing(path: path)) { try LedgerFile.openForReading(path: path) }
    #expect(throws: LedgerError.missing(path: path)) { try Ledger.forget(endUser: "ada", in: fixture.configuration) }
    #expect(!FileManager.default.fileExists(atPath: path))
    _ = try fixture.writer()
    let reader = try LedgerFile.openForReading(path: path)
    #expect(throws: LedgerError.self) { try reader.execute("DELETE FROM users") }
  }

  @Test func `a statement that fails says why and where`() throws {
    let fixture = try LedgerFixture()
    let database = try Database(path: fixture.configuration.path, mode: .create)
    let error = #expect(throws: LedgerError.self) { try database.execute("SELECT * FROM nowhere") }
    #expect(error?.description == "the ledger \(fixture.configuration.path): no such table: nowhere")
  }

  @Test func `a transaction that throws leaves nothing`() throws {
    let fixture = try LedgerFixture()
    let database = try Database(path: fixture.configuration.path, mode: .create)
    try database.execute("CREATE TABLE things (thing UNIQUE)")
    #expect(throws: LedgerError.self) {
      try database.transaction { () throws(LedgerError) in
        try database.run("INSERT INTO things VALUES (?)", ["a"])
        try database.run("INSERT INTO things VALUES (?)", ["a"])
      }
    }
    #expect(try database.int("SELECT count(*) FROM things") == 0)
    #expect(!database.isInTransaction)
  }

  @Test func `values come back as they went in`() throws {
    let fixture = try LedgerFixture()
    let database = try Database(path: fixture.configuration.path, mode: .create)
    for value in [
      .null, .int(.min), .int(.max), .real(0.1), .text(""), .text("é\u{0}x"), .blob([]), .blob([0, 255, 0]),
    ] as [SQLValue] {
      #expect(try database.value("SELECT ?", [value]) == value)
    }
  }
}
