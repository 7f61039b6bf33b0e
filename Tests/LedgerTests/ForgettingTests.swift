import Foundation
import TestSupport
import Testing

@testable import Ledger

@Suite struct ForgettingTests {
  private static let metadata = #"{"email":"unmistakable@example.com"}"#

  /// A trace of two spans; the root comes second.
  private static func trace(_ number: UInt64, _ user: String) -> [TestSpan] {
    [
      TestSpan(trace: number, id: 2, parent: 1, name: "child"),
      TestSpan(trace: number, id: 1, endUser: user, session: "s-\(user)", metadata: user == "eve" ? metadata : ""),
    ]
  }

  private func users(_ fixture: LedgerFixture) throws -> [String] {
    try fixture.rows("SELECT name FROM users WHERE id > 0 ORDER BY name")
  }

  @Test func `no byte of the id or the metadata stays in the files`() throws {
    let fixture = try LedgerFixture()
    let writer = try fixture.writer()
    for number in 1...300 as ClosedRange<UInt64> {
      try writer.apply([Arrival(Self.trace(number, number % 3 == 0 ? "unmistakable-eve" : "ada"))])
    }
    try writer.apply([Arrival(Self.trace(301, "eve"))])
    _ = try writer.forget(endUser: "unmistakable-eve")
    let erasure = try writer.forget(endUser: "eve")
    #expect(erasure == Erasure(traces: 1, observations: 2, sessions: 1))
    writer.close()
    for suffix in ["", "-wal"] {
      let bytes = try Data(contentsOf: URL(fileURLWithPath: fixture.configuration.path + suffix))
      #expect(bytes.range(of: Data("unmistakable".utf8)) == nil, "in \(suffix)")
    }
    #expect(try users(fixture) == ["ada"])
    #expect(try fixture.rows("SELECT count(*) FROM traces") == ["200"])
  }

  /// A ledger whose pages were split and filled again: rows come in between others, and grow.
  private func rearranged(
    _ random: inout SeededGenerator, pagesAreKnown: Bool = false
  ) throws -> (LedgerFixture, LedgerWriter, users: [String]) {
    let fixture = try LedgerFixture()
    let writer = try fixture.writer()
    if pagesAreKnown { try fixture.makePagesKnown() }
    let users = (0..<600).map {
      "unmistakable-\($0)-\(String(repeating: "x", count: Int.random(in: 0...60, using: &random)))."
    }
    for transaction in 0..<30 {
      let spans = (0..<400).flatMap { _ in
        let user = users.randomElement(using: &random)!
        var child = TestSpan(
          trace: .random(in: 1 ... .max, using: &random), id: 2, parent: 1, name: "child of \(user)")
        child.start += .random(in: 0...10_000_000_000, using: &random)
        var root = TestSpan(
          trace: child.trace, id: 1, endUser: user, session: "s-\(user)\(transaction % 7)",
          metadata: #"{"email":"\#(user)","n":\#(transaction % 5)}"#)
        root.duration = .random(in: 0...90_000_000_000, using: &random)
        return [child, root]
      }
      try writer.apply([Arrival(spans)])
    }
    return (fixture, writer, users)
  }

  private func expectNothing(of users: some Sequence<String>, in fixture: LedgerFixture) throws {
    let bytes = try Data(contentsOf: URL(fileURLWithPath: fixture.configuration.path))
    for user in users { #expect(bytes.range(of: Data(user.utf8)) == nil, "\(user)") }
  }

  @Test(arguments: zip(2...3 as ClosedRange<UInt64>, [false, true]))
  func `nor in what is unused of pages, where SQLite leaves what it has moved`(
    seed: UInt64, pagesAreKnown: Bool
  ) throws {
    var random = SeededGenerator(seed: seed)
    let (fixture, writer, users) = try rearranged(&random, pagesAreKnown: pagesAreKnown)
    let forgotten = users.shuffled(using: &random).prefix(120)
    let before = try fixture.tables()
    for user in forgotten { _ = try writer.forget(endUser: user) }
    writer.close()
    try expectNothing(of: forgotten, in: fixture)
    #expect(try fixture.rows("PRAGMA integrity_check") == ["ok"])
    #expect(try fixture.rows("SELECT count(*) FROM users WHERE id > 0") == [String(users.count - forgotten.count)])
    let gone = Set(forgotten)
    let kept = before["users"]?.filter { row in !gone.contains(String(row.prefix { $0 != "|" })) }
    #expect(try fixture.tables()["users"]?.sorted() == kept?.sorted())
  }

  @Test func `what a reader keeps from being overwritten is overwritten later`() throws {
    var random = SeededGenerator(seed: 3)
    let (fixture, writer, users) = try rearranged(&random)
    let reader = try LedgerFile.openForReading(path: fixture.configuration.path)
    try reader.execute("BEGIN; SELECT count(*) FROM traces")
    // Waits for nobody.
    try writer.database.execute("PRAGMA busy_timeout = 0")
    for user in users.prefix(120) { #expect(try writer.forget(endUser: user).remainsInLog) }
    #expect(writer.hasResidue)
    writer.close()
    try reader.execute("COMMIT")

    // Another run goes on with it.
    let next = try fixture.writer()
    #expect(next.hasResidue)
    #expect(try next.scrub())
    #expect(!next.hasResidue)
    next.close()
    try expectNothing(of: users.prefix(120), in: fixture)
    #expect(try fixture.rows("PRAGMA integrity_check") == ["ok"])
  }

  @Test func `later spans are refused, whichever of them names the user`() throws {
    let fixture = try LedgerFixture()
    fixture.configuration.spanBodies = true
    let writer = try fixture.writer()
    try writer.apply([Arrival(Self.trace(1, "eve"), body: [1, 2, 3])])
    _ = try writer.forget(endUser: "eve")
    // A trace of before, one that comes whole, and one whose child comes first and whose other child comes last.
    #expect(try writer.apply([Arrival([TestSpan(trace: 1, id: 3, parent: 1)])]).refused == 1)
    #expect(try writer.apply([Arrival(Self.trace(2, "eve"), body: [1])]).refused == 2)
    let (child, root) = (Self.trace(3, "eve")[0], Self.trace(3, "eve")[1])
    try writer.apply([Arrival([child])])
    #expect(try fixture.rows("SELECT count(*) FROM traces") == ["1"])
    try writer.apply([Arrival([root])])
    try writer.apply([Arrival([TestSpan(trace: 3, id: 4, parent: 1)])])
    #expect(try fixture.rows("SELECT count(*) FROM traces") == ["0"])
    #expect(try users(fixture).isEmpty)
    #expect(try fixture.rows("SELECT count(*) FROM bodies") == ["0"])
    // In the next run likewise; others are as welcome as ever.
    let next = try fixture.writer()
    #expect(try next.apply([Arrival(Self.trace(4, "eve")), Arrival(Self.trace(5, "ada"))]).refused == 2)
    #expect(try users(fixture) == ["ada"])
  }

  @Test func `a span that names a forgotten user in another's trace is left out alone`() throws {
    let fixture = try LedgerFixture()
    let writer = try fixture.writer()
    _ = try writer.forget(endUser: "eve")
    try writer.apply([Arrival(Self.trace(1, "ada") + [TestSpan(trace: 1, id: 3, parent: 1, endUser: "eve")])])
    #expect(try fixture.rows("SELECT name, observations FROM users WHERE id > 0") == ["ada|2"])
  }

  @Test func `later spans get a pseudonym where that is wanted, always the same`() throws {
    let fixture = try LedgerFixture()
    fixture.configuration.forgetting = .pseudonym
    var writer = try fixture.writer()
    try writer.apply([Arrival(Self.trace(1, "eve"))])
    let name = try #require(try writer.forget(endUser: "eve").pseudonym)
    #expect(name.hasPrefix("forgotten-"))
    try writer.apply([Arrival(Self.trace(2, "eve"))])
    writer = try fixture.writer()
    try writer.apply([Arrival(Self.trace(3, "eve"))])
    #expect(try writer.forget(endUser: "eve").pseudonym == name)
    #expect(try fixture.rows("SELECT name, traces, metadata FROM users WHERE id > 0") == ["\(name)|2|-"])
    writer.close()
    let bytes = try Data(contentsOf: URL(fileURLWithPath: fixture.configuration.path))
    #expect(bytes.range(of: Data("unmistakable@".utf8)) == nil)
  }

  @Test func `who forgets beside a running writer is heard`() throws {
    let fixture = try LedgerFixture()
    let writer = try fixture.writer()
    try writer.apply([Arrival(Self.trace(1, "eve")), Arrival(Self.trace(2, "ada"))])
    #expect(try Ledger.forget(endUser: "eve", in: fixture.configuration).traces == 1)
    #expect(try writer.apply([Arrival(Self.trace(3, "eve")), Arrival(Self.trace(4, "ada"))]).refused == 2)
    #expect(try fixture.rows("SELECT name, traces FROM users WHERE id > 0") == ["ada|2"])
  }

  @Test func `an unknown user is forgotten as well`() throws {
    let fixture = try LedgerFixture()
    let writer = try fixture.writer()
    #expect(try writer.forget(endUser: "eve") == Erasure())
    #expect(try writer.apply([Arrival(Self.trace(1, "eve"))]).refused == 2)
  }

  @Test func `the file does not say whom it has forgotten`() throws {
    let fixture = try LedgerFixture()
    _ = try fixture.writer().forget(endUser: "eve")
    let hash = LedgerFixture.text(.blob(SHA256.digest(of: Array("eve".utf8))))
    let rows = try fixture.rows("SELECT hash FROM forgotten")
    #expect(rows.count == 1 && rows[0].count == 64 && rows[0] != hash)
  }
}
