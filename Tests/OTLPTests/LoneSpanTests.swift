import OTLP
import TestSupport
import Testing

/// Spans that were indexed in a request and are indexed again where they lie alone.
struct LoneSpanTests {
  @Test(arguments: 0..<12 as Range<UInt64>)
  func `a span alone is indexed as it was in its request`(seed: UInt64) throws {
    var telemetry = RandomTelemetry(seed: 3000 + seed)
    let rules = ReferenceRules.forRandomTelemetry()
    for _ in 0..<40 {
      let spans = (0..<Int.random(in: 1...8, using: &telemetry.random)).map { _ in
        telemetry.span(traceID: telemetry.random.bytes(16), id: telemetry.random.bytes(8))
      }
      // The marks of a scope are not known to a span alone.
      let request = telemetry.request(spans, scopes: ["app"]).bytes(using: &telemetry.random)
      let batch = try IndexedRequest(request, rules: rules.rules).batch
      var bytes: [UInt8] = []
      var ranges: [Range<Int>] = []
      for position in 0..<batch.spanCount {
        bytes += telemetry.random.bytes(.random(in: 0...5, using: &telemetry.random))
        let span = batch.index.spans[position]
        ranges.append(bytes.count..<bytes.count + Int(span.length))
        bytes += UnsafeRawBufferPointer(start: batch.payload(of: span), count: Int(span.length))
      }
      let index = SpanIndex()
      bytes.withUnsafeBytes { bytes in
        for range in ranges { #expect(index.add(range, of: bytes, rules: rules.rules)) }
      }
      #expect(index.spanCount == batch.spanCount)
      for position in 0..<batch.spanCount {
        expectEqual(index, batch.index, position, at: ranges[position])
      }
    }
  }

  private func expectEqual(_ lone: SpanIndex, _ whole: SpanIndex, _ position: Int, at range: Range<Int>) {
    let one = lone.spans[position]
    let other = whole.spans[position]
    #expect(one.traceID == other.traceID && one.spanID == other.spanID && one.parentID == other.parentID)
    #expect(one.start == other.start && one.marks == other.marks)
    #expect(Int(one.offset) == range.lowerBound && Int(one.length) == range.count)
    #expect(one.attributeCount == other.attributeCount)
    for attribute in 0..<Int(min(one.attributeCount, other.attributeCount)) {
      let entry = lone.attributes[Int(one.attribute) + attribute]
      let expected = whole.attributes[Int(other.attribute) + attribute]
      #expect(entry.fieldOffset == expected.fieldOffset && entry.fieldLength == expected.fieldLength)
      #expect(entry.valueOffset == expected.valueOffset && entry.valueLength == expected.valueLength)
      #expect(entry.key == expected.key && entry.type == expected.type)
    }
  }

  @Test(arguments: 0..<8 as Range<UInt64>)
  func `bytes that are no span leave the index as it was`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let rules = ReferenceRules.forRandomTelemetry()
    let index = SpanIndex()
    var refused = 0
    for round in 0..<500 {
      if round % 50 == 0 { index.clear() }
      let count = index.spanCount
      let bytes = SpanStub(7, ["enduser.id": "ada", "big": "x"]).bytes.mutated(using: &random)
      let taken = bytes.withUnsafeBytes { index.add(0..<$0.count, of: $0, rules: rules.rules) }
      #expect(index.spanCount == count + (taken ? 1 : 0))
      if !taken { refused += 1 }
    }
    #expect(refused > 50)
  }

  @Test func `a range beyond the bytes is no span, and the last span can be dropped`() {
    let rules = SpanRules()
    _ = rules.number(forKey: "enduser.id")
    let index = SpanIndex()
    let bytes = SpanStub(7, ["enduser.id": "ada"]).bytes
    bytes.withUnsafeBytes { bytes in
      #expect(!index.add(0..<bytes.count + 1, of: bytes, rules: rules))
      #expect(index.add(0..<bytes.count, of: bytes, rules: rules))
      #expect(index.add(0..<bytes.count, of: bytes, rules: rules))
    }
    index.removeLast()
    #expect(index.spanCount == 1)
    #expect(index.spans[0].attributeCount == 1)
  }
}
