import Facts
import Locks
import OTLP
import TestSupport
import Testing

@testable import Ledger

/// The tree of each trace, against a dictionary of them.
@Suite struct TreeBundleModelTests {
  /// A ledger, and what it should have: of each trace the records.
  private final class Book {
    let fixture: LedgerFixture
    var writer: LedgerWriter
    var random: SeededGenerator
    var traces: [UInt64: (spans: UInt64, records: [UInt8])] = [:]
    private var next: UInt64 = 1

    init(seed: UInt64) throws {
      fixture = try LedgerFixture()
      fixture.configuration.dedupWindow = .zero
      writer = try fixture.writer()
      random = SeededGenerator(seed: seed)
    }

    func span(of trace: UInt64) -> TestSpan {
      var (spans, records) = traces[trace] ?? (0, [])
      spans += 1
      let size = random.once(in: 60) ? 30_000 : Int.random(in: 0...900, using: &random)
      var span = TestSpan(trace: trace, id: spans, parent: spans == 1 ? 0 : 1)
      span.start += trace * 1_000_000_000
      span.name = String(repeating: "n", count: size)
      records += span.record
      traces[trace] = (spans, records)
      return span
    }

    func insert() throws {
      var spans: [TestSpan] = []
      for _ in 0..<Int.random(in: 0...150, using: &random) {
        for _ in 0...Int.random(in: 0...2, using: &random) { spans.append(span(of: next)) }
        next += 1
        if random.once(in: 12), let known = traces.keys.sorted().randomElement(using: &random) {
          spans.append(span(of: known))
        }
      }
      try writer.apply([Arrival(spans)])
    }

    func rows(_ traces: some Sequence<UInt64>) throws -> [TraceRow] {
      let wanted = Set(traces.map { TestSpan(trace: $0).traceID })
      var rows: [TraceRow] = []
      try writer.database.forEach("SELECT \(TraceRow.columns) FROM traces") { rows.append(TraceRow($0)) }
      return rows.filter { wanted.contains($0.trace) }
    }

    func remove(_ gone: [UInt64]) throws {
      let rows = try rows(gone)
      _ = try writer.transaction { () throws(LedgerError) in for row in rows { try writer.remove(row) } }
      for trace in gone { traces[trace] = nil }
    }

    /// A transaction that fails after all that it did.
    func fail() throws {
      let rows = try rows(traces.keys.shuffled(using: &random).prefix(20))
      let groups = TraceGroups([Arrival((1...80).flatMap { TreeBundleTests.spans(1 << 40 + $0, size: 600) })])
      #expect(throws: LedgerError.self) {
        _ = try writer.transaction { () throws(LedgerError) in
          for group in groups.groups { try writer.add(group, of: groups) }
          try writer.writeNewcomers(of: groups)
          for row in rows { try writer.remove(row) }
          if random.once(in: 2) { try writer.traces.trees.flush() }
          throw .missing(path: "")
        }
      }
    }

    func retain() throws {
      let kept = Int.random(in: 0...traces.count, using: &random)
      fixture.configuration.maxTraces = kept
      let limited = try fixture.writer()
      fixture.configuration.maxTraces = nil
      fixture.clock.withLock { $0 += 1_000_000_000 }
      while try limited.retain().isUnfinished {}
      for trace in traces.keys.sorted().dropLast(kept) { traces[trace] = nil }
    }

    func step() throws {
      switch Int.random(in: 0..<12, using: &random) {
      case 0: try remove(traces.keys.filter { _ in random.once(in: 3) })
      // The latest, whose ids are given again.
      case 1: try remove(traces.keys.sorted().suffix(Int.random(in: 0..<60, using: &random)))
      case 2: try remove(traces.keys.sorted().filter { $0 % 2 == 0 })
      case 3: try fail()
      case 4: try retain()
      case 5: writer = try fixture.writer()
      default: try insert()
      }
      fixture.clock.withLock { $0 += 1_000_000_000 }
    }

    func check(_ comment: String) throws {
      let database = try Database(path: fixture.configuration.path, mode: .readOnly)
      var ids: [UInt64: Int64] = [:]
      try database.forEach("SELECT \(TraceRow.columns) FROM traces") { row in
        let row = TraceRow(row)
        ids[row.trace.first] = row.id
      }
      #expect(Set(ids.keys) == Set(traces.keys), "\(comment)")
      for (trace, expected) in traces {
        guard let id = ids[trace] else { continue }
        if SpanRecord.apart(try Trees.records(of: id, in: database)) != expected.records {
          Issue.record("\(comment): \(trace)")
        }
      }
      let rows = try fixture.treeRows()
      #expect(rows.flatMap(\.trees).map(\.trace) == ids.values.sorted(), "\(comment)")
      #expect(rows.allSatisfy { !$0.trees.isEmpty }, "\(comment)")
    }
  }

  @Test(arguments: 0..<12)
  func `every trace has its tree, whatever comes and goes`(seed: UInt64) throws {
    let book = try Book(seed: seed)
    var mostBundled = 0
    for step in 1...40 {
      try book.step()
      try book.check("seed \(seed), step \(step)")
      mostBundled = max(mostBundled, try book.fixture.treeRows().count { $0.trees.count > 1 })
    }
    #expect(mostBundled > 3)
    #expect(try book.fixture.rows("PRAGMA integrity_check") == ["ok"])
  }
}
