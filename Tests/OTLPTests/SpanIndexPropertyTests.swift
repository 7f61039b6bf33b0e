import OTLP
import TestSupport
import Testing

/// Random requests, sound and broken: the index says what a reader that decodes everything says.
struct SpanIndexPropertyTests {
  private static func requests(seed: UInt64, count: Int) -> [[UInt8]] {
    var telemetry = RandomTelemetry(seed: seed)
    return (0..<count).map { _ in
      let spans = (0..<Int.random(in: 0...8, using: &telemetry.random)).map { _ in randomSpan(&telemetry) }
      let message = telemetry.request(spans)
      return telemetry.random.once(in: 4) ? message.plain : message.bytes(using: &telemetry.random)
    }
  }

  private static func randomSpan(_ telemetry: inout RandomTelemetry) -> WireMessage {
    var ids = [telemetry.random.bytes(16), telemetry.random.bytes(8)]
    ids.append(telemetry.random.once(in: 3) ? [] : telemetry.random.bytes(8))
    if telemetry.random.once(in: 8) {
      let place = ids.indices.randomElement(using: &telemetry.random)!
      ids[place] = [[], [1, 2, 3], [UInt8](repeating: 0, count: ids[place].count)].randomElement(
        using: &telemetry.random)!
    }
    return telemetry.span(traceID: ids[0], id: ids[1], parentID: ids[2])
  }

  @Test(arguments: 0..<12 as Range<UInt64>)
  func `random requests are indexed as a full decoder reads them`(seed: UInt64) throws {
    for request in Self.requests(seed: seed, count: 60) {
      let rules = ReferenceRules.forRandomTelemetry()
      let expected = try #require(ReferenceIndex(request, rules: rules), "seed \(seed)")
      let indexed = try IndexedRequest(request, rules: rules.rules)
      #expect(indexed.spans == expected.spans, "seed \(seed)")
      #expect(indexed.rejected == expected.rejected, "seed \(seed)")
      #expect(LibprotobufC.accepts(request), "seed \(seed)")
    }
  }

  @Test(arguments: 0..<12 as Range<UInt64>)
  func `random requests come out of a builder with the same spans, grouped`(seed: UInt64) throws {
    for request in Self.requests(seed: 1000 + seed, count: 40) {
      let rules = ReferenceRules.forRandomTelemetry()
      let indexed = try IndexedRequest(request, rules: rules.rules)
      try expectRebuilds(request, indexed, rules, "seed \(seed)")
    }
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func `mutated requests are taken and refused as by a full decoder`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let rules = ReferenceRules.forRandomTelemetry()
    var accepted = 0
    var refused = 0
    for request in Self.requests(seed: 2000 + seed, count: 10) {
      for _ in 0..<15 {
        let mutated = request.mutated(using: &random)
        let expected = ReferenceIndex(mutated, rules: rules)
        do {
          let indexed = try IndexedRequest(mutated, rules: rules.rules)
          accepted += 1
          #expect(indexed.spans == expected?.spans, "seed \(seed)")
          #expect(indexed.rejected == expected?.rejected, "seed \(seed)")
          try expectRebuilds(mutated, indexed, rules, "seed \(seed)")
        } catch is MalformedRequest {
          refused += 1
          #expect(expected == nil, "seed \(seed)")
        }
      }
    }
    #expect(accepted > 10 && refused > 10, "too one-sided to say much")
  }

  /// Puts the spans into a new request: the same spans come out of it, and who read the request can read the new one.
  private func expectRebuilds(
    _ request: [UInt8], _ indexed: IndexedRequest, _ rules: ReferenceRules, _ comment: Comment
  ) throws {
    guard let rebuilt = indexed.rebuilt() else {
      #expect(indexed.spans.isEmpty, comment)
      return
    }
    let bytes = rebuilt.bytes
    let again = try IndexedRequest(bytes, rules: rules.rules)
    #expect(again.rejected.isEmpty, comment)
    #expect(again.spans == indexed.spans.groupedByScope(), comment)
    #expect(LibprotobufC.accepts(bytes) || !LibprotobufC.accepts(request), comment)
    #expect(throws: Never.self, comment) { try json(bytes) }
  }
}
