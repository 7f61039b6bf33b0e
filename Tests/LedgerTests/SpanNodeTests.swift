import Facts
import Testing

@testable import Ledger

@Suite struct SpanNodeTests {
  private func spans(_ spans: [SampleSpan]) throws -> [SpanNode] {
    try #require(try WrittenLedger(spans).reader().trace(SampleSpan.traceID(1))).spans
  }

  private func ids(_ nodes: [SpanNode]) -> [String] {
    nodes.map { $0.span + ($0.children.isEmpty ? "" : "(\(ids($0.children).joined(separator: " ")))") }
  }

  /// As bytes in the order of memory.
  private func id(_ number: UInt64) -> String { withUnsafeBytes(of: number) { Hexadecimal.text($0) } }

  @Test func `hangs spans on their parents, in the order of time`() throws {
    let spans = try spans([
      SampleSpan(trace: 1, span: 3, parent: 1, start: midnight + 30),
      SampleSpan(trace: 1, span: 2, parent: 1, start: midnight + 20),
      SampleSpan(trace: 1, span: 1, start: midnight),
      SampleSpan(trace: 1, span: 4, parent: 2, start: midnight + 25),
      SampleSpan(trace: 1, span: 5, parent: 77, start: midnight + 5),
    ])
    #expect(ids(spans) == ["\(id(1))(\(id(2))(\(id(4))) \(id(3)))", id(5)])
    #expect(spans[1].parent == id(77))
    #expect(spans[0].parent == nil)
  }

  @Test func `tells what counts of each span`() throws {
    let spans = try spans([
      SampleSpan(trace: 1, span: 1, start: midnight, duration: 9, name: "agent", input: 100, output: 50, cost: 7),
      SampleSpan(
        trace: 1, span: 2, parent: 1, start: midnight + 1, duration: 5, name: "call", model: "m", input: 100,
        output: 50,
        cost: 6, isError: true),
    ])
    let (agent, call) = (try #require(spans.first), try #require(spans.first?.children.first))
    #expect(agent.tokens == TokenCounts())
    #expect(agent.kind == .span)
    #expect(call.tokens.input == 100)
    #expect(call.cost == 6)
    #expect(call.isError)
    #expect(call.model == "m")
    #expect([call.start, call.duration] == [Int64(midnight) + 1, 5])
  }

  @Test func `leaves completion markers out, and keeps what hangs on them`() throws {
    let spans = try spans([
      SampleSpan(trace: 1, span: 1, start: midnight),
      SampleSpan(trace: 1, span: 2, parent: 1, start: midnight + 1, isMarker: true),
      SampleSpan(trace: 1, span: 3, parent: 2, start: midnight + 2),
    ])
    #expect(ids(spans) == [id(1), id(3)])
  }

  @Test func `shows each span once, however they name their parents`() throws {
    let spans = try spans([
      SampleSpan(trace: 1, span: 1, parent: 2, start: midnight),
      SampleSpan(trace: 1, span: 2, parent: 3, start: midnight),
      SampleSpan(trace: 1, span: 3, parent: 1, start: midnight),
      SampleSpan(trace: 1, span: 4, parent: 4, start: midnight),
    ])
    func count(_ nodes: [SpanNode]) -> Int { nodes.reduce(0) { $0 + 1 + count($1.children) } }
    #expect(count(spans) == 4)
  }

  @Test func `a chain that is too long goes on beside its last link`() throws {
    let length = SpanNode.mostLevels + 50
    let chain = (1...length).map {
      SampleSpan(trace: 1, span: UInt64($0), parent: UInt64($0 - 1), start: midnight + UInt64($0))
    }
    var level = try spans(chain)
    for _ in 1..<SpanNode.mostLevels {
      #expect(level.count == 1)
      level = level.first?.children ?? []
    }
    #expect(level.count == 51)
    #expect(level.allSatisfy { $0.children.isEmpty })
    #expect(level.last?.span == id(UInt64(length)))
  }

  @Test func `knows no trace by what is no id`() throws {
    let reader = try WrittenLedger([SampleSpan(trace: 1, span: 1, start: midnight)]).reader()
    let id = SampleSpan.traceID(1)
    #expect(try reader.trace(id) != nil)
    #expect(try reader.trace(id.uppercased())?.trace.trace == id)
    for other in ["", "x", id + "0", String(id.prefix(5)), String(id.dropLast()) + "g", SampleSpan.traceID(2)] {
      #expect(try reader.trace(other) == nil)
    }
  }
}
