import EndUser
import OTLP
import TestSupport
import Testing

/// Random traces go through the processor: what comes out is what went in, but for the identity.
struct SplicePropertyTests {
  /// A trace: one root that names an end user, and spans below it.
  private struct Trace {
    let id: [UInt8]
    var spans: [WireMessage]
  }

  private static let configuration = EndUserConfiguration()
  /// Keys that can only mean the end user.
  private static let onlyEndUser = Set(configuration.idKeys + configuration.metadataKeys)
    .subtracting(["user.id", "gen_ai.user"])

  private static func attributes(_ telemetry: inout RandomTelemetry) -> [WireMessage] {
    let keys =
      configuration.idKeys + configuration.metadataKeys + configuration.sessionKeys + ["neatlogs.user.id", "plain"]
    return (0..<Int.random(in: 0...4, using: &telemetry.random)).map { _ in
      let key = keys.randomElement(using: &telemetry.random)!
      let value =
        telemetry.random.once(in: 3)
        ? telemetry.anyValue() : RandomTelemetry.string(["", "ann", "bob"].randomElement(using: &telemetry.random)!)
      return RandomTelemetry.attribute(key, value)
    }
  }

  private static func trace(_ telemetry: inout RandomTelemetry) -> Trace {
    let id = telemetry.random.bytes(16)
    var name = attributes(&telemetry)
    name.insert(
      RandomTelemetry.attribute("enduser.id", RandomTelemetry.string("user-\(id[0])")),
      at: .random(in: 0...name.count, using: &telemetry.random))
    let root = telemetry.span(traceID: id, id: telemetry.random.bytes(8), attributes: name)
    let children = (0..<Int.random(in: 0...5, using: &telemetry.random)).map { _ in
      telemetry.span(
        traceID: id, id: telemetry.random.bytes(8), parentID: telemetry.random.bytes(8),
        attributes: attributes(&telemetry))
    }
    return Trace(id: id, spans: [root] + children)
  }

  /// What a root hands down, as it names it: one attribute for each role.
  private static func identity(of root: DecodedSpan) throws -> [StubAttribute] {
    func isUsable(_ attribute: StubAttribute) -> Bool {
      switch attribute.value {
      case .string(let text): !text.isEmpty
      case .int: true
      case .kvlist: configuration.metadataKeys.contains(attribute.key)
      default: false
      }
    }
    let scope = try #require(DecodedField.all(root.scope)).filter { $0.number == 1 }.flatMap(\.bytes)
    let scopeName = try #require(DecodedField.all(scope)).last { $0.number == 1 }?.bytes ?? []
    let isNeatlogs =
      scopeName.starts(with: "neatlogs".utf8) || root.attributes.contains { $0.key.hasPrefix("neatlogs.") }
    func first(_ keys: [String]) -> StubAttribute? {
      for key in keys where key != "user.id" || !isNeatlogs {
        if let found = root.attributes.first(where: { $0.key == key && isUsable($0) }) { return found }
      }
      return nil
    }
    return [configuration.idKeys, configuration.metadataKeys, configuration.sessionKeys].compactMap(first)
  }

  @Test(arguments: 0..<15 as Range<UInt64>)
  func `every span leaves as it came, but for the identity of its root`(seed: UInt64) throws {
    var telemetry = RandomTelemetry(seed: seed)
    let traces = (0..<8).map { _ in Self.trace(&telemetry) }
    var spans = traces.flatMap(\.spans)
    spans.shuffle(using: &telemetry.random)
    let harness = Harness()
    var sent: [[UInt8]] = []
    while !spans.isEmpty {
      let count = Int.random(in: 1...6, using: &telemetry.random)
      let request = telemetry.request(Array(spans.prefix(count))).bytes(using: &telemetry.random)
      spans.removeFirst(min(count, spans.count))
      sent.append(request)
      harness.send(request: request)
    }

    let came = sent.flatMap { DecodedSpan.all(inRequest: $0) }
    let left = harness.spans
    try #require(left.count == came.count, "seed \(seed)")
    for trace in traces {
      let root = try #require(
        came.first { span in
          span.traceID == trace.id && (DecodedField.all(span.bytes) ?? []).allSatisfy { $0.number != 4 }
        })
      let identity = try Self.identity(of: root)
      for span in came where span.traceID == trace.id {
        let now = try #require(left.first { $0.traceID == span.traceID && $0.id == span.id }, "seed \(seed)")
        if span.id == root.id {
          #expect(now.bytes == span.bytes, "seed \(seed)")
        } else {
          try expect(now, toBe: span, with: identity, "seed \(seed)")
        }
        #expect(now.resource == span.resource && now.scope == span.scope, "seed \(seed)")
      }
    }
    for request in harness.exporter.received {
      let repacked = try #require(LibprotobufC.repacked(request), "seed \(seed)")
      #expect(
        DecodedSpan.all(inRequest: repacked).map(\.id) == DecodedSpan.all(inRequest: request).map(\.id), "seed \(seed)")
    }
  }

  private func expect(
    _ span: DecodedSpan, toBe original: DecodedSpan, with identity: [StubAttribute], _ comment: Comment
  ) throws {
    let keys = Set(identity.map(\.key))
    let fields = try #require(DecodedField.all(span.bytes))
    let originalFields = try #require(DecodedField.all(original.bytes))
    #expect(
      fields.filter { $0.number != 9 }.map(\.encoding) == originalFields.filter { $0.number != 9 }.map(\.encoding),
      comment)
    func others(_ fields: [DecodedField], _ span: DecodedSpan, without: Set<String>) -> [[UInt8]] {
      zip(fields.filter { $0.number == 9 }, span.attributes).filter { !without.contains($1.key) }.map(\.0.encoding)
    }
    #expect(
      others(fields, span, without: keys)
        == others(originalFields, original, without: keys.union(Self.onlyEndUser)), comment)
    #expect(Set(span.attributes.filter { keys.contains($0.key) }) == Set(identity), comment)
    #expect(span.attributes.count { keys.contains($0.key) } == identity.count, comment)
  }
}
