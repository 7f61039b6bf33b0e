import OTLP
import TestSupport
import Testing

/// How a request is reduced to some of its spans.
struct RequestSubsetTests {
  @Test(arguments: 0..<20 as Range<UInt64>)
  func `a reduced request holds the chosen spans as they were, and says where`(seed: UInt64) throws {
    var telemetry = RandomTelemetry(seed: seed)
    let spans = (0..<12).map { _ in
      telemetry.span(traceID: telemetry.random.bytes(16), id: telemetry.random.bytes(8))
    }
    let message = telemetry.request(spans).bytes(using: &telemetry.random)
    let indexed = try IndexedRequest(message)
    let chosen = (0..<indexed.batch.spanCount).filter { _ in telemetry.random.once(in: 3) }

    let subset = RequestSubset(of: indexed.batch.index, in: indexed.batch.bytes) { chosen.contains($0) }

    #expect(subset.places.map(\.position) == chosen)
    let reduced = try IndexedRequest(subset.bytes)
    #expect(reduced.spans == chosen.map { indexed.spans[$0] }, "seed \(seed)")
    #expect(LibprotobufC.accepts(subset.bytes))
    for place in subset.places {
      let original = indexed.batch.bytes[place.originalOffset..<place.originalOffset + place.length]
      #expect(Array(original) == Array(subset.bytes[place.offset..<place.offset + place.length]))
    }
  }

  @Test func `nothing chosen is an empty request`() throws {
    let indexed = try IndexedRequest(SpanStub.request([SpanStub(trace: 1, 1)]))
    let subset = RequestSubset(of: indexed.batch.index, in: indexed.batch.bytes) { _ in false }
    #expect(subset.bytes.isEmpty && subset.places.isEmpty)
  }
}
