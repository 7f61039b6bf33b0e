import Facts
import Foundation
import OTLP
import TestSupport
import Testing

@testable import Ledger

/// Trees of several traces in one row.
@Suite struct TreeBundleTests {
  // MARK: Rows

  /// A bundle of traces, each with a tree of the same byte.
  private func bundle(_ traces: [Int64], of sizes: [Int], in row: Int64) -> [UInt8] {
    var bytes: [UInt8] = [TreeRow.bundleMark]
    for (trace, size) in zip(traces, sizes) {
      TreeRow.appendHead(of: trace, byteCount: size, in: row, to: &bytes)
      bytes += Array(repeating: 255, count: size)
    }
    return bytes
  }

  private func traces(_ bytes: [UInt8], in row: Int64) -> [Int64: Int] {
    bytes.withUnsafeBytes { bytes in
      var found: [Int64: Int] = [:]
      var places = TreeRow(row, bytes)
      while let place = places.next() { found[place.trace] = place.tree.count }
      return found
    }
  }

  @Test func `a row has the tree of its trace, or those of several`() {
    #expect(traces([9, 9, 9], in: 40) == [40: 3])
    #expect(traces(bundle([40, 41, 300], of: [1, 500, 70_000], in: 40), in: 40) == [40: 1, 41: 500, 300: 70_000])
  }

  @Test func `what is taken out of a row leaves zeros there, or a shorter row, or none`() throws {
    let bytes = bundle([40, 41, 42, 43], of: [100, 200, 300, 400], in: 40)
    func rest(_ gone: Set<Int64>) -> (rest: TreeRow.Rest, last: Int64) {
      bytes.withUnsafeBytes { TreeRow.rest(of: 40, $0, without: gone.contains) }
    }
    #expect(rest([39, 44]) == (.unchanged, 43))
    #expect(rest([40, 41, 42, 43]) == (.nothing, 43))
    guard case .bytes(let zeroed) = rest([40, 42]).rest, case .bytes(let short) = rest([41, 43]).rest else {
      Issue.record("there should be a rest")
      return
    }
    #expect(zeroed.count == bytes.count)
    #expect(traces(zeroed, in: 40) == [41: 200, 43: 400])
    #expect(zeroed.count { $0 == 255 } == 600)
    #expect(traces(short, in: 40) == [40: 100, 42: 300])
    #expect(short.count < 410)
  }

  @Test(arguments: 0..<50)
  func `bytes that make no sense are read without harm`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var bytes = bundle([7, 8, 9], of: [5, 300, 20], in: 7)
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      bytes[.random(in: bytes.indices, using: &random)] = .random(in: 0...255, using: &random)
    }
    if random.once(in: 2) { bytes.removeLast(.random(in: bytes.indices, using: &random)) }
    #expect(traces(bytes, in: 7).values.allSatisfy { $0 <= bytes.count })
    _ = bytes.withUnsafeBytes { TreeRow.rest(of: 7, $0) { $0 == 8 } }
  }

  @Test(arguments: [0, 800])
  func `a full bundle fills a page of its own, and shares the next`(beyond: Int) throws {
    let fixture = try LedgerFixture()
    let database = try fixture.writer().database
    let bytes = [UInt8](repeating: 1, count: TreeTable.fullSize(pageSize: 8192) + beyond)
    for row in 1...80 as ClosedRange<Int64> {
      try database.run("INSERT INTO trees (id, records) VALUES (?1, ?2)", [.int(row), .blob(bytes)])
    }
    let pages = "SELECT count(*), sum(unused) FROM dbstat WHERE name = 'trees' AND pagetype"
    #expect(try fixture.rows("\(pages) = 'overflow'") == ["80|0"])
    #expect(try fixture.rows("\(pages) = 'leaf'").first?.hasPrefix(beyond == 0 ? "10|" : "20|") == true)
  }

  // MARK: Tables

  static func spans(_ trace: UInt64, _ user: String = "", size: Int) -> [TestSpan] {
    [
      TestSpan(trace: trace, id: 1, name: String(repeating: "n", count: size), endUser: user),
      TestSpan(trace: trace, id: 2, parent: 1, name: "of \(trace)"),
    ]
  }

  @Test func `traces of one transaction share rows, and what is left over does not`() throws {
    let fixture = try LedgerFixture()
    let spans = (1...200).map { Self.spans($0, size: 500) }
    try fixture.writer().apply([Arrival(spans.flatMap { $0 })])
    let counts = try fixture.treeRows().map(\.trees.count)
    let full = try #require(counts.first)
    #expect(full > 10)
    #expect(counts == Array(repeating: full, count: 200 / full) + Array(repeating: 1, count: 200 % full))
    #expect(try fixture.treeRows().flatMap(\.trees).map(\.records) == spans.map { $0.flatMap(\.record) })
    #expect(try fixture.rows("SELECT max(length(records)) BETWEEN 9186 AND 9186 + 600 FROM trees") == ["1"])
  }

  @Test func `a large tree has its row between those of small ones`() throws {
    let fixture = try LedgerFixture()
    let sizes = (1...90).map { $0 % 30 == 15 ? 40_000 : 800 }
    let spans = zip(1..., sizes).map { Self.spans($0, size: $1) }
    try fixture.writer().apply([Arrival(spans.flatMap { $0 })])
    #expect(
      try fixture.treeRows().filter { $0.trees.count == 1 && $0.trees[0].records.count > 40_000 }.map(\.id) == [
        15, 45, 75,
      ])
    #expect(try fixture.treeRows().flatMap(\.trees).map(\.records) == spans.map { $0.flatMap(\.record) })
  }

  @Test func `a trace that has more spans than its tree takes comes in its turn`() throws {
    let fixture = try LedgerFixture()
    fixture.configuration.maxSpansPerTree = 2
    var spans = (1...100).map { Self.spans($0, size: 600) }
    let kept = spans
    for place in stride(from: 7, to: 100, by: 13) { spans[place].append(TestSpan(trace: UInt64(place + 1), id: 3)) }
    try fixture.writer().apply([Arrival(spans.flatMap { $0 })])
    let database = try Database(path: fixture.configuration.path, mode: .readOnly)
    for trace in kept {
      let id = try #require(
        try fixture.rows("SELECT id FROM traces WHERE trace = x'\(trace[0].traceID.hexadecimal)'").first)
      #expect(SpanRecord.apart(try Trees.records(of: try #require(Int64(id)), in: database)) == trace.flatMap(\.record))
    }
    #expect(try fixture.treeRows().count { $0.trees.count > 1 } > 1)
  }

  @Test func `who reads or removes in the transaction that brought a tree finds it`() throws {
    let fixture = try LedgerFixture()
    let writer = try fixture.writer()
    try writer.apply([Arrival(Self.spans(1, size: 10))])
    let groups = TraceGroups([Arrival((2...40).flatMap { Self.spans($0, size: 500) })])
    let trace: (UInt64) -> TraceID = { TestSpan(trace: $0).traceID }
    _ = try writer.transaction { () throws(LedgerError) in
      for group in groups.groups { try writer.add(group, of: groups) }
      try writer.writeNewcomers(of: groups)
      // In a row that is written, and waiting.
      for number in [3, 38] as [UInt64] {
        #expect(
          SpanRecord.apart(try writer.traces.load(trace(number)).records)
            == Self.spans(number, size: 500).flatMap(\.record))
      }
      for number in [2, 4, 40] as [UInt64] { try writer.remove(try writer.traces.load(trace(number)).row) }
    }
    let left = Array([1, 3] + Array(5...39)) as [Int64]
    #expect(try fixture.treeRows().flatMap(\.trees).map(\.trace) == left)
    #expect(try fixture.rows("SELECT id FROM traces ORDER BY id") == left.map(String.init))
  }

  @Test(arguments: [true, false])
  func `no byte stays of those who were erased from bundles, be it much or little of these`(isMuch: Bool) throws {
    let fixture = try LedgerFixture()
    let writer = try fixture.writer()
    let spans = (1...200 as ClosedRange<UInt64>).map { number in
      let isErased = isMuch ? number % 3 != 0 : number % 10 == 0
      return Self.spans(number, isErased ? "unmistakable-eve" : "ada", size: isErased ? 501 : 500)
    }
    try writer.apply([Arrival(spans.flatMap { $0 })])
    let kept = spans.filter { $0[0].endUser == "ada" }
    #expect(try writer.forget(endUser: "unmistakable-eve").traces == 200 - kept.count)
    writer.close()
    let bytes = try Data(contentsOf: URL(fileURLWithPath: fixture.configuration.path))
    #expect(bytes.range(of: Data("unmistakable".utf8)) == nil)
    #expect(bytes.range(of: Data(String(repeating: "n", count: 501).utf8)) == nil)
    #expect(bytes.range(of: Data(String(repeating: "n", count: 500).utf8)) != nil)
    #expect(try fixture.treeRows().flatMap(\.trees).map(\.records) == kept.map { $0.flatMap(\.record) })
    // The room of much is given back.
    #expect(try fixture.rows("SELECT max(length(records)) < 9186 FROM trees") == [isMuch ? "1" : "0"])
    #expect(try fixture.rows("PRAGMA integrity_check") == ["ok"])
  }

  @Test func `ids that are given again lead to the trees of those who have them now`() throws {
    let fixture = try LedgerFixture()
    let old = (1...60).map { Self.spans($0, $0 > 10 ? "eve" : "ada", size: 700) }
    try fixture.writer().apply([Arrival(old.flatMap { $0 })])
    #expect(try fixture.writer().forget(endUser: "eve").traces == 50)
    let new = (101...160).map { Self.spans($0, "bob", size: 300) }
    try fixture.writer().apply([Arrival(new.flatMap { $0 })])
    #expect(try fixture.rows("SELECT max(id) FROM traces") == ["70"])
    #expect(try fixture.treeRows().flatMap(\.trees).map(\.trace) == Array(1...70))
    let database = try Database(path: fixture.configuration.path, mode: .readOnly)
    for (id, spans) in zip((1 as Int64)..., old[..<10] + new) {
      #expect(SpanRecord.apart(try Trees.records(of: id, in: database)) == spans.flatMap(\.record))
    }
  }
}
