import Facts
import Foundation
import JSON
import Locks
import OTLP
import SelfTelemetry
import Testing

@testable import Filters
@testable import Ledger

/// What the ledger writes of a span, asked in SQL, against the span, asked by the predicate.
@Suite struct AgreementTests {
  @Test func `a trace of one span is found when the predicate holds for the span`() throws {
    var random = SystemRandomNumberGenerator()
    let specimens = (0..<80).map { number in
      var specimen = Specimen.random(number, from: Specimen.texts, using: &random)
      // A trace has the metadata of the span that names its end user, and the sum of what it is told in parts.
      if specimen.endUser == nil { specimen.metadata = nil }
      if specimen.tokens == nil { (specimen.inputTokens, specimen.outputTokens) = (nil, nil) }
      return specimen
    }
    let directory = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: directory) }
    let path = directory.appending(path: "ledger.db").path
    try write(specimens, to: path)
    let database = try LedgerFile.openForReading(path: path)

    let generator = RandomFilter(fields: RandomFilter.spanFields, traces: specimens.map(\.trace.hexadecimal))
    let document = JSONDocument()
    for _ in 0..<400 {
      let filter = Filter(generator.condition(depth: 2, using: &random))
      let predicate = try SpanPredicate(filter)
      let expected = specimens.filter { $0.withFacts { predicate.matches($0, using: document) } }
      let sql = try FilterSQL(filter, view: .traces)
      let statement = try database.prepare("SELECT trace FROM traces t WHERE \(sql.sql)")
      statement.bind(sql.parameters)
      var found: Set<[UInt8]> = []
      while try statement.step() { found.insert(statement.bytes(0)) }
      // The one that differs says more than all of them.
      let other = specimens.first { specimen in
        expected.contains { $0.trace == specimen.trace }
          != found.contains(withUnsafeBytes(of: specimen.trace) { Array($0) })
      }
      #expect(other == nil, "\(filter.condition)")
    }
  }

  private func write(_ specimens: [Specimen], to path: String) throws {
    var configuration = LedgerConfiguration(path: path)
    // What a span doesn't say itself isn't what it says.
    configuration.inheritsSessionUser = false
    let ledger = try Ledger(configuration, log: Log(level: .error), registry: MetricRegistry())
    var chunk = FactsChunk()
    for specimen in specimens { specimen.withFacts { chunk.append($0) } }
    #expect(ledger.feed(pipeline: "traces").take(chunk, sequence: nil) {})
    ledger.start()
    ledger.stop(until: MonotonicClock.now() + 60_000_000_000)
  }
}
