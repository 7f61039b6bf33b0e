import Facts
import OTLP
import TestSupport
import Testing

@testable import Ledger

/// Ledgers of earlier versions.
@Suite struct MigrationTests {
  /// Gives each tree a row of its own, as before the sixth version.
  private func revertToVersion5(_ fixture: LedgerFixture) throws {
    let rows = try fixture.treeRows()
    #expect(rows.contains { $0.trees.count > 10 })
    let database = try Database(path: fixture.configuration.path, mode: .readWrite)
    try database.execute("DELETE FROM trees; PRAGMA user_version = 5")
    for tree in rows.flatMap(\.trees) {
      try database.run("INSERT INTO trees (id, records) VALUES (?1, ?2)", [.int(tree.trace), .blob(tree.records)])
    }
  }

  /// Takes off a ledger what the fifth version has put on.
  private func revertToVersion4(_ fixture: LedgerFixture) throws {
    try revertToVersion5(fixture)
    let database = try Database(path: fixture.configuration.path, mode: .readWrite)
    try database.execute(
      """
      CREATE TABLE tallies (id INTEGER PRIMARY KEY, latencies BLOB NOT NULL, labels BLOB NOT NULL);
      INSERT INTO tallies SELECT id * 2, latencies, labels FROM users WHERE traces > 0;
      INSERT INTO tallies SELECT id * 2 + 1, latencies, labels FROM sessions;
      ALTER TABLE users DROP COLUMN latencies; ALTER TABLE users DROP COLUMN labels;
      ALTER TABLE sessions DROP COLUMN latencies; ALTER TABLE sessions DROP COLUMN labels;
      PRAGMA user_version = 4;
      """)
  }

  /// And what the fourth version has.
  private func revertToVersion3(_ fixture: LedgerFixture) throws {
    try revertToVersion4(fixture)
    let database = try Database(path: fixture.configuration.path, mode: .readWrite)
    try database.execute(
      """
      DROP TABLE scores; DROP TABLE score_names; DROP TABLE score_sums; DROP TABLE score_labels;
      PRAGMA user_version = 3;
      """)
  }

  /// And what the third version has.
  private func revertToVersion2(_ fixture: LedgerFixture) throws {
    try revertToVersion3(fixture)
    let database = try Database(path: fixture.configuration.path, mode: .readWrite)
    try database.execute(
      """
      DROP TABLE open_sessions; DELETE FROM properties WHERE key = 'counted_since';
      PRAGMA user_version = 2;
      """)
  }

  /// And what the second version has.
  private func revertToVersion1(_ fixture: LedgerFixture) throws {
    try revertToVersion2(fixture)
    let database = try Database(path: fixture.configuration.path, mode: .readWrite)
    try database.execute(
      """
      DROP TABLE trace_blocks; DROP TABLE session_blocks; DROP TABLE user_blocks;
      DROP TABLE metadata_shapes; DROP TABLE metadata_keys; ALTER TABLE metadata DROP COLUMN shape;
      PRAGMA user_version = 1;
      """)
  }

  /// A ledger of an earlier version, and what it says in the form of this one.
  private func ledger(
    _ random: inout SeededGenerator, reverted revert: (LedgerFixture) throws -> Void
  ) throws -> (LedgerFixture, [String: [String]]) {
    let fixture = try LedgerFixture()
    let spans = SpanSource.traces(&random, count: 3000)
    let writer = try fixture.writer()
    for start in stride(from: 0, to: spans.count, by: 4000) {
      try writer.apply([Arrival(Array(spans[start...].prefix(4000)))])
    }
    writer.close()
    let tables = try fixture.tables()
    try revert(fixture)
    return (fixture, tables)
  }

  private func compare(_ found: [String: [String]], _ wanted: [String: [String]]) {
    for (table, rows) in wanted { #expect(found[table]?.sorted() == rows.sorted(), "\(table)") }
  }

  @Test func `a ledger of the first version becomes what this one would have written`() throws {
    var random = SeededGenerator(seed: 21)
    let (fixture, tables) = try ledger(&random, reverted: revertToVersion1)
    #expect(throws: LedgerError.self) { try LedgerFile.openForReading(path: fixture.configuration.path) }
    let writer = try fixture.writer()
    #expect(try fixture.rows("PRAGMA user_version") == [String(Schema.migrations.count)])
    compare(try fixture.tables(), tables)
    for (table, rows) in tables where table.hasSuffix("_blocks") { #expect(!rows.isEmpty, "\(table)") }
    // And goes on like it.
    try writer.apply([Arrival([TestSpan(trace: 1 << 40, endUser: "eve", metadata: #"{"plan":"new"}"#)])])
    let reader = try LedgerReader(path: fixture.configuration.path)
    #expect(try reader.metadataKeys(LedgerQuery()).rows.first { $0.key == "plan" }?.examples.contains("new") == true)
  }

  @Test(arguments: [2, 3, 4, 5])
  func `a ledger of a later version keeps what it has, and takes scores of its traces`(version: Int) throws {
    var random = SeededGenerator(seed: 23)
    let (fixture, tables) = try ledger(
      &random,
      reverted: [
        2: revertToVersion2, 3: revertToVersion3, 4: revertToVersion4, 5: revertToVersion5,
      ][version]!)
    #expect(throws: LedgerError.self) { try LedgerFile.openForReading(path: fixture.configuration.path) }
    let writer = try fixture.writer()
    #expect(try fixture.rows("PRAGMA user_version") == [String(Schema.migrations.count)])
    compare(try fixture.tables(), tables)
    let row = try #require(
      try fixture.rows(
        "SELECT t.trace, u.name FROM traces t JOIN users u ON u.id = t.user LIMIT 1"
      ).first?.split(separator: "|"))
    let bytes = try #require(Hexadecimal.bytes(String(row[0]), count: 16))
    let trace = bytes.withUnsafeBytes {
      TraceID(first: $0.loadUnaligned(as: UInt64.self), second: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }
    try writer.apply([Arrival([], scores: [Score(id: "s", name: "helpful", number: 1, trace: trace, timestamp: 1)])])
    let reader = try LedgerReader(path: fixture.configuration.path)
    let scores = try reader.user(String(row[1]))?.user.scores
    #expect(scores == [ScoreSummary(name: "helpful", count: 1, mean: 1, latest: .number(1))])
  }

  @Test func `a migration that fails leaves the ledger as it was`() throws {
    var random = SeededGenerator(seed: 22)
    let (fixture, tables) = try ledger(&random, reverted: revertToVersion1)
    let path = fixture.configuration.path
    // Something stands in its way at the end.
    try Database(path: path, mode: .readWrite).execute("CREATE TABLE user_blocks (somebodys TEXT)")
    #expect(throws: LedgerError.self) { try fixture.writer() }
    #expect(try fixture.rows("PRAGMA user_version") == ["1"])
    #expect(try fixture.rows("SELECT name FROM sqlite_schema WHERE name = 'metadata_shapes'").isEmpty)
    try Database(path: path, mode: .readWrite).execute("DROP TABLE user_blocks")
    _ = try fixture.writer()
    compare(try fixture.tables(), tables)
  }
}
