import EndUser
import Facts
import Foundation
import OTLP
import TestSupport
import Testing

/// Facts that own their text.
struct OwnedFacts: Equatable {
  var spanID: UInt64 = 1
  var parentID: UInt64 = 0
  var start: UInt64 = 0
  var end: UInt64 = 0
  var kind = ObservationKind.span
  var flags: SpanFacts.Flags = []
  var tokens = TokenCounts()
  var cost: Int64?
  var name: [UInt8] = []
  var statusMessage: [UInt8] = []
  var model: [UInt8] = []
  var provider: [UInt8] = []
  var workflow: [UInt8] = []
  var endUser: [UInt8] = []
  var session: [UInt8] = []
  var metadata: [UInt8] = []
  var tags: [UInt8] = []
  var claims: [UInt8] = []

  init() {}

  init(_ facts: borrowing SpanFacts) {
    spanID = facts.spanID
    parentID = facts.parentID
    start = facts.start
    end = facts.end
    kind = facts.kind
    flags = facts.flags
    tokens = facts.tokens
    cost = facts.cost
    let copied = copy facts
    for (own, text) in Self.texts { self[keyPath: own] = Array(copied[keyPath: text]) }
  }

  static var texts: [(WritableKeyPath<OwnedFacts, [UInt8]>, WritableKeyPath<SpanFacts, SpanFacts.Text>)] {
    [
      (\.name, \.name), (\.statusMessage, \.statusMessage), (\.model, \.model), (\.provider, \.provider),
      (\.workflow, \.workflow), (\.endUser, \.endUser), (\.session, \.session), (\.metadata, \.metadata),
      (\.tags, \.tags), (\.claims, \.claims),
    ]
  }

  /// The span's record in a list of its own.
  var record: [UInt8] {
    var bytes: [UInt8] = []
    withFacts { SpanRecord.append($0, to: &bytes) }
    return bytes
  }

  /// Lends the facts, with text in memory of its own that is gone afterwards.
  func withFacts<Result>(_ body: (borrowing SpanFacts) -> Result) -> Result {
    var facts = SpanFacts()
    facts.spanID = spanID
    facts.parentID = parentID
    facts.start = start
    facts.end = end
    facts.kind = kind
    facts.flags = flags
    facts.tokens = tokens
    facts.cost = cost
    var memory: [UnsafeMutableRawBufferPointer] = []
    for (own, text) in Self.texts {
      let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: self[keyPath: own].count, alignment: 1)
      copy.copyBytes(from: self[keyPath: own])
      facts[keyPath: text] = SpanFacts.Text(copy)
      memory.append(copy)
    }
    defer { for copy in memory { copy.deallocate() } }
    return body(facts)
  }

  static func random(using random: inout SeededGenerator) -> OwnedFacts {
    var facts = OwnedFacts()
    facts.spanID = random.next()
    facts.parentID = random.once(in: 3) ? 0 : random.next()
    facts.start = random.once(in: 10) ? 0 : random.next() >> 1
    facts.end = facts.start + (random.next() >> UInt64.random(in: 1...64, using: &random))
    facts.kind = ObservationKind.allCases.randomElement(using: &random)!
    facts.flags = SpanFacts.Flags(rawValue: random.once(in: 8) ? .max : UInt16.random(in: 0..<128, using: &random))
    func number(_ random: inout SeededGenerator) -> Int64? {
      random.once(in: 2) ? nil : Int64(bitPattern: random.next() >> UInt64.random(in: 0...64, using: &random))
    }
    facts.tokens.input = number(&random)
    facts.tokens.output = number(&random)
    facts.tokens.total = number(&random)
    facts.tokens.cacheRead = number(&random)
    facts.tokens.cacheWrite = number(&random)
    facts.tokens.reasoning = number(&random)
    facts.cost = number(&random)
    for (own, _) in texts where !random.once(in: 2) {
      facts[keyPath: own] = random.bytes(
        random.once(in: 200) ? 20_000 : Int.random(in: 0..<(random.once(in: 5) ? 300 : 20), using: &random))
    }
    return facts
  }
}

extension OwnedFacts {
  func text(_ field: KeyPath<OwnedFacts, [UInt8]>) -> String { String(decoding: self[keyPath: field], as: UTF8.self) }

  /// Parsed, with sorted keys.
  var metadataText: String? {
    guard let object = try? JSONSerialization.jsonObject(with: Data(metadata)),
      let sorted = try? JSONSerialization.data(withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
    else { return nil }
    return String(decoding: sorted, as: UTF8.self)
  }

  var tagList: [String] { (try? JSONSerialization.jsonObject(with: Data(tags))) as? [String] ?? [] }
}

/// The facts of each span of a request, in its order.
func extracted(
  _ request: [UInt8], _ configuration: EndUserConfiguration = EndUserConfiguration()
) throws -> [OwnedFacts] {
  let rules = SpanRules()
  var extractor = FactsExtractor(plan: FactsPlan(configuration, rules: rules))
  let batch = try IndexedRequest(request, rules: rules).batch
  var facts: [OwnedFacts] = []
  for position in 0..<batch.spanCount { extractor.extract(batch, at: position) { facts.append(OwnedFacts($0)) } }
  return facts
}

/// The facts of one span with these attributes.
func extracted(
  _ attributes: KeyValuePairs<String, StubValue>, parent: UInt64 = 0, flags: UInt32 = 0, scope: String = "app",
  resource: KeyValuePairs<String, StubValue> = ["service.name": "shop"],
  _ configuration: EndUserConfiguration = EndUserConfiguration()
) throws -> OwnedFacts {
  let span = SpanStub(7, parent: parent, flags: flags, attributes, scope: scope, resource: resource)
  return try #require(extracted(SpanStub.request([span]), configuration).first)
}

extension TokenCounts {
  init(
    _ input: Int64? = nil, _ output: Int64? = nil, total: Int64? = nil, cacheRead: Int64? = nil,
    cacheWrite: Int64? = nil, reasoning: Int64? = nil
  ) {
    self.init()
    self.input = input
    self.output = output
    self.total = total
    self.cacheRead = cacheRead
    self.cacheWrite = cacheWrite
    self.reasoning = reasoning
  }
}

/// Facts of the records in bytes of exactly that size, the places of the records, and whether all of it was read.
func records(in bytes: [UInt8]) -> (facts: [OwnedFacts], ranges: [Range<Int>], isWhole: Bool) {
  let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
  defer { memory.deallocate() }
  memory.copyBytes(from: bytes)
  var facts: [OwnedFacts] = []
  var ranges: [Range<Int>] = []
  let isWhole = SpanRecord.forEach(in: UnsafeRawBufferPointer(memory)) {
    facts.append(OwnedFacts($0))
    ranges.append($1)
  }
  return (facts, ranges, isWhole)
}
