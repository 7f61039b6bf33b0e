import Facts
import Foundation
import OTLP

@testable import Ledger

/// A span as a test tells it.
struct SampleSpan {
  var trace: UInt64
  var span: UInt64
  var parent: UInt64 = 0
  /// Nanoseconds since the Unix epoch.
  var start: UInt64
  var duration: UInt64 = 1_000_000
  var user = ""
  var session = ""
  var name = "run"
  var model = ""
  var metadata = ""
  var tags = ""
  var input: Int64?
  var output: Int64?
  /// Billionths of a dollar.
  var cost: Int64?
  var isError = false
  var isMarker = false

  func append(to chunk: inout FactsChunk) {
    var facts = SpanFacts()
    facts.trace = TraceID(first: 7, second: trace)
    facts.spanID = span
    facts.parentID = parent
    facts.start = start
    facts.end = start + duration
    if parent != 0 { facts.flags.insert(.hasParent) }
    if isError { facts.flags.insert(.isError) }
    if isMarker { facts.flags.insert(.completionMarker) }
    facts.kind = model.isEmpty ? .span : .llm
    facts.tokens.input = input
    facts.tokens.output = output
    if let input, let output { facts.tokens.total = input + output }
    facts.cost = cost
    var memory: [UnsafeMutableRawBufferPointer] = []
    func text(_ text: String) -> SpanFacts.Text {
      let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: text.utf8.count, alignment: 1)
      bytes.copyBytes(from: text.utf8)
      memory.append(bytes)
      return UnsafeRawBufferPointer(bytes)
    }
    facts.name = text(name)
    facts.model = text(model)
    facts.endUser = text(user)
    facts.session = text(session)
    facts.metadata = text(metadata)
    facts.tags = text(tags)
    chunk.append(facts)
    for bytes in memory { bytes.deallocate() }
  }

  static func traceID(_ trace: UInt64) -> String { TraceID(first: 7, second: trace).hexadecimal }
}

/// A ledger in a directory of its own that the test writes to.
final class WrittenLedger {
  let path: String
  let writer: LedgerWriter

  /// Of this process, and removed with it: a reader may outlive the ledger that it came from, and reads from its file.
  private static let root: URL = {
    atexit { try? FileManager.default.removeItem(at: WrittenLedger.root) }
    return FileManager.default.temporaryDirectory.appendingPathComponent("ledgers-\(UUID().uuidString)")
  }()

  init(_ spans: [SampleSpan] = []) throws {
    path = Self.root.appendingPathComponent("\(UUID().uuidString)/ledger.db").path
    writer = try LedgerWriter(LedgerConfiguration(path: path))
    try write(spans)
  }

  func write(_ spans: [SampleSpan]) throws {
    var chunk = FactsChunk()
    for span in spans { span.append(to: &chunk) }
    try writer.apply([Arrival(facts: chunk, pipeline: "traces", sequence: nil)])
  }

  func reader(_ limits: LedgerReader.Limits = LedgerReader.Limits()) throws -> LedgerReader {
    try LedgerReader(path: path, limits: limits)
  }
}

extension LedgerQuery {
  init(sort: String? = nil, limit: Int = 1000, cursor: String? = nil, since: Int64? = nil, until: Int64? = nil) {
    self.init()
    self.sort = sort
    self.limit = limit
    self.cursor = cursor
    self.since = since
    self.until = until
  }
}

/// 2026-11-21T00:00:00Z in nanoseconds since the Unix epoch.
let midnight: UInt64 = 1_795_219_200_000_000_000
let second: UInt64 = 1_000_000_000
