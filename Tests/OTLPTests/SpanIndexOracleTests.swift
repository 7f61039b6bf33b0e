import Foundation
import OTLP
import TestSupport
import Testing

/// What Python's protobuf says of a request.
private struct Verdict: Decodable {
  struct Span: Decodable {
    struct Attribute: Decodable {
      var key: String
      var kind: String
      var value: String?
    }

    var traceId: String
    var spanId: String
    var parentSpanId: String
    var linkIds: [[String]]
    var start: String
    var flags: UInt32
    var name: String
    var scope: String
    var attributes: [Attribute]

    /// Whether its ids, and those of its links, are what OTLP wants.
    var isUsable: Bool {
      traceId.count == 32 && traceId.contains { $0 != "0" } && spanId.count == 16 && spanId.contains { $0 != "0" }
        && [0, 16].contains(parentSpanId.count)
        && linkIds.allSatisfy { [0, 32].contains($0[0].count) && [0, 16].contains($0[1].count) }
    }
  }

  var message: Data
  var accepted: Bool
  var spans: [Span]

  static func all(seed: Int, count: Int) throws -> [Verdict] {
    try decode(OraclePython.run("Tests/Oracles/index_oracle.py", [String(seed), String(count)]))
  }

  static func of(_ requests: [[UInt8]]) throws -> [Verdict] {
    let lines = requests.map { Data($0).base64EncodedString() + "\n" }.joined()
    return try decode(OraclePython.run("Tests/Oracles/index_oracle.py", ["-"], input: Data(lines.utf8)))
  }

  private static func decode(_ output: Data) throws -> [Verdict] {
    try output.split(separator: UInt8(ascii: "\n")).map { try JSONDecoder().decode(Verdict.self, from: $0) }
  }
}

/// A span as both sides can say it.
private struct SpanFacts: Equatable {
  struct Attribute: Equatable {
    var key: String
    var kind: String
    var value: String?
  }

  var ids: [String]
  var start: UInt64
  var marks: SpanMarks
  var attributes: [Attribute]
}

struct SpanIndexOracleTests {
  private static func rules() -> ReferenceRules {
    ReferenceRules(
      keys: ["", "a"], prefixes: ["gen_ai.", "long long"], trueKey: "a", markedPrefix: "gen_ai.usage",
      markedScope: "gen_", markedName: "gen_ai.usage.input_tokens")
  }

  private static func facts(_ span: Verdict.Span, _ rules: ReferenceRules) -> SpanFacts {
    let hasParent = span.parentSpanId.contains { $0 != "0" }
    var marks: SpanMarks = hasParent ? .hasParent : []
    if span.flags & 0x300 == 0x300 { marks.insert(.remoteParent) }
    if span.name == rules.markedName { marks.insert(.completionMarker) }
    if span.scope.hasPrefix(rules.markedScope) { marks.insert(.neatlogs) }
    for attribute in span.attributes {
      if attribute.key.hasPrefix(rules.markedPrefix) { marks.insert(.neatlogs) }
      if attribute.key == rules.trueKey, attribute.value == "True", attribute.kind == "bool_value" {
        marks.insert(.applicationRoot)
      }
    }
    let recorded = span.attributes.filter { attribute in
      rules.keys.contains(attribute.key) || rules.prefixes.contains { attribute.key.hasPrefix($0) }
    }
    return SpanFacts(
      ids: [span.traceId, span.spanId, hasParent ? span.parentSpanId : ""], start: UInt64(span.start) ?? 0,
      marks: marks,
      attributes: recorded.map { SpanFacts.Attribute(key: $0.key, kind: $0.kind, value: $0.value) })
  }

  private static func facts(_ span: IndexedSpan) -> SpanFacts {
    SpanFacts(
      ids: [hex(span.traceID), hex(span.spanID), hex(span.parentID)], start: span.start, marks: span.marks,
      attributes: span.attributes.map { attribute in
        let key = String(decoding: attribute.key, as: UTF8.self)
        let bits = attribute.value.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        switch attribute.type {
        case .empty: return SpanFacts.Attribute(key: key, kind: "empty")
        case .string:
          return SpanFacts.Attribute(
            key: key, kind: "string_value", value: String(decoding: attribute.value, as: UTF8.self))
        case .bool: return SpanFacts.Attribute(key: key, kind: "bool_value", value: bits == 0 ? "False" : "True")
        case .int:
          return SpanFacts.Attribute(key: key, kind: "int_value", value: String(Int64(bitPattern: bits)))
        case .double: return SpanFacts.Attribute(key: key, kind: "double_value")
        case .array: return SpanFacts.Attribute(key: key, kind: "array_value")
        case .kvlist: return SpanFacts.Attribute(key: key, kind: "kvlist_value")
        case .bytes: return SpanFacts.Attribute(key: key, kind: "bytes_value", value: hex(attribute.value))
        case .stringIndex: return SpanFacts.Attribute(key: key, kind: "string_value_strindex")
        }
      })
  }

  private static func hex(_ bytes: [UInt8]) -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }

  @Test(.enabled(if: OraclePython.path != nil, "\(OraclePython.requirement)"), arguments: [1, 2, 3])
  func `what Python's protobuf and libprotobuf-c accept is indexed, with the same values`(seed: Int) throws {
    let rules = Self.rules()
    let verdicts = try Verdict.all(seed: seed, count: 400)
    var spanCount = 0
    var refused = 0
    for (position, verdict) in verdicts.enumerated() {
      let request = [UInt8](verdict.message)
      let comment: Comment = "seed \(seed), case \(position)"
      guard let indexed = try? IndexedRequest(request, rules: rules.rules) else {
        refused += 1
        #expect(!verdict.accepted || !LibprotobufC.accepts(request), comment)
        continue
      }
      guard verdict.accepted else { continue }
      let usable = verdict.spans.filter(\.isUsable)
      #expect(indexed.spans.map(Self.facts) == usable.map { Self.facts($0, rules) }, comment)
      #expect(indexed.batch.index.rejectedCount == verdict.spans.count - usable.count, comment)
      spanCount += usable.count
    }
    #expect(verdicts.count == 800 && spanCount > 200 && refused > 100, "too one-sided to say much")
  }

  @Test(.enabled(if: OraclePython.path != nil, "\(OraclePython.requirement)"))
  func `what leaves a builder is read by Python's protobuf, with the same values`() throws {
    let rules = Self.rules()
    var expected: [[SpanFacts]] = []
    var rebuilt: [[UInt8]] = []
    for verdict in try Verdict.all(seed: 4, count: 400) {
      guard let indexed = try? IndexedRequest([UInt8](verdict.message), rules: rules.rules),
        let request = indexed.rebuilt()
      else { continue }
      expected.append(indexed.spans.groupedByScope().map(Self.facts))
      rebuilt.append(request.bytes)
    }
    let verdicts = try Verdict.of(rebuilt)
    #expect(verdicts.count == rebuilt.count && rebuilt.count > 100)
    for (position, verdict) in verdicts.enumerated() {
      #expect(verdict.accepted, "case \(position)")
      #expect(verdict.spans.map { Self.facts($0, rules) } == expected[position], "case \(position)")
    }
  }

  @Test(.enabled(if: OraclePython.path != nil, "\(OraclePython.requirement)"))
  func `random telemetry in every wire form means to Python's protobuf what it means to the index`() throws {
    var telemetry = RandomTelemetry(seed: 77)
    let requests = (0..<300).map { _ in
      let spans = (0..<4).map { _ in
        telemetry.span(
          traceID: telemetry.random.bytes(16), id: telemetry.random.bytes(8),
          parentID: telemetry.random.once(in: 2) ? [] : telemetry.random.bytes(8))
      }
      let request = telemetry.request(spans)
      return request.bytes(using: &telemetry.random)
    }
    let rules = ReferenceRules.forRandomTelemetry()
    for (position, verdict) in try Verdict.of(requests).enumerated() {
      #expect(verdict.accepted, "case \(position)")
      let indexed = try IndexedRequest(requests[position], rules: rules.rules)
      #expect(
        indexed.spans.map(Self.facts) == verdict.spans.map { Self.facts($0, rules) }, "case \(position)")
    }
  }
}
