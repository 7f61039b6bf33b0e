import Facts
import Foundation
import Locks
import OTLP
import SelfTelemetry

@testable import Ledger

/// A directory for one test, and a ledger in it.
final class LedgerFixture {
  let directory: String
  let registry = MetricRegistry()
  let lines = Locked<[String]>([])
  var configuration: LedgerConfiguration
  /// Wall-clock time in nanoseconds.
  let clock = Locked<Int64>(1_800_000_000_000_000_000)

  init() throws {
    directory = FileManager.default.temporaryDirectory.path + "/heirloom-ledger-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    configuration = LedgerConfiguration(path: directory + "/ledger.db")
    configuration.interval = .milliseconds(10)
  }

  deinit { try? FileManager.default.removeItem(atPath: directory) }

  var log: Log { Log(level: .debug) { [lines] line in lines.withLock { $0.append(line) } } }

  func writer() throws -> LedgerWriter {
    try LedgerWriter(configuration, now: { [clock] in clock.withLock { $0 } })
  }

  func ledger() throws -> Ledger {
    try Ledger(configuration, log: log, registry: registry)
  }

  /// Turns the ledger into one of an earlier build, whose file has pages that say who refers to the others.
  func makePagesKnown() throws {
    try Database(path: configuration.path, mode: .readWrite).execute("PRAGMA auto_vacuum = INCREMENTAL; VACUUM")
  }

  /// The rows of a query, each with its columns as text.
  func rows(_ sql: String) throws -> [String] {
    try Self.rows(sql, in: configuration.path)
  }

  static func rows(_ sql: String, in path: String) throws -> [String] {
    let database = try Database(path: path, mode: .readOnly)
    var rows: [String] = []
    let statement = try database.prepare(sql)
    while try statement.step() {
      rows.append((0..<statement.columnCount).map { text(statement.value($0)) }.joined(separator: "|"))
    }
    return rows
  }

  static func text(_ value: SQLValue) -> String {
    switch value {
    case .null: "-"
    case .int(let value): String(value)
    case .real(let value): String(value)
    case .text(let value): value
    case .blob(let bytes): bytes.withUnsafeBytes { Hexadecimal.text($0) }
    }
  }
}

/// A span as the tests write it.
struct TestSpan {
  var trace: UInt64 = 1
  var id: UInt64 = 1
  var parent: UInt64 = 0
  var start: UInt64 = 1_700_000_000_000_000_000
  var duration: UInt64 = 1_000_000
  var kind = ObservationKind.span
  var isError = false
  var isMarker = false
  var tokens = TokenCounts()
  var cost: Int64?
  var name = "work"
  var model = ""
  var workflow = ""
  var endUser = ""
  var session = ""
  var metadata = ""
  var tags = ""

  var traceID: TraceID { TraceID(first: trace, second: 7) }

  /// Lends the facts that the span would have.
  func withFacts<Result>(_ body: (borrowing SpanFacts) throws -> Result) rethrows -> Result {
    var texts = [name, model, workflow, endUser, session, metadata, tags].map { Array($0.utf8) }
    let all = texts.flatMap { $0 }
    return try all.withUnsafeBytes { all in
      var offset = 0
      func next() -> SpanFacts.Text {
        let count = texts.removeFirst().count
        defer { offset += count }
        return UnsafeRawBufferPointer(rebasing: all[offset..<offset + count])
      }
      var facts = SpanFacts()
      facts.trace = traceID
      facts.spanID = id
      facts.parentID = parent
      facts.start = start
      facts.end = start + duration
      facts.kind = kind
      if parent != 0 { facts.flags.insert(.hasParent) }
      if isError { facts.flags.insert(.isError) }
      if isMarker { facts.flags.insert(.completionMarker) }
      facts.tokens = tokens
      facts.cost = cost
      facts.name = next()
      facts.model = next()
      facts.workflow = next()
      facts.endUser = next()
      facts.session = next()
      facts.metadata = next()
      facts.tags = next()
      return try body(facts)
    }
  }

  var record: [UInt8] {
    var bytes: [UInt8] = []
    withFacts { SpanRecord.append($0, to: &bytes) }
    return bytes
  }
}

extension SpanRecord {
  /// The same records, each in a list of its own: what they say does not depend on how they came.
  static func apart(_ records: [UInt8]) -> [UInt8] {
    var apart: [UInt8] = []
    _ = records.withUnsafeBytes { forEach(in: $0) { facts, _ in append(facts, to: &apart) } }
    return apart
  }
}

extension FactsChunk {
  init(_ spans: [TestSpan], body: [UInt8] = []) {
    self.init()
    for span in spans {
      span.withFacts { facts in body.withUnsafeBytes { append(facts, body: $0) } }
    }
  }
}

extension Arrival {
  init(_ spans: [TestSpan], scores: [Score] = [], sequence: UInt64? = nil, body: [UInt8] = []) {
    var chunk = FactsChunk(spans, body: body)
    for score in scores { chunk.append(score) }
    self.init(facts: chunk, pipeline: "traces", sequence: sequence)
  }
}
