import TestSupport

/// Random spans that say something in the keys that the reference model knows.
extension ReferenceModel {
  /// A random configuration of the model's and the processor's.
  static func randomConfiguration(using random: inout SeededGenerator) -> Configuration {
    var configuration = Configuration()
    configuration.fallsBack = !random.once(in: 5)
    if random.once(in: 4) { configuration.maxSpansPerTrace = 4 }
    if random.once(in: 4) { configuration.rootWait = .seconds(5) }
    return configuration
  }

  /// Some traces' spans, in an order in which they may come.
  static func randomArrivals(using random: inout SeededGenerator) -> [SpanStub] {
    var spans = (1...6).flatMap { (trace: UInt64) in
      (1...UInt64.random(in: 1...8, using: &random)).map { randomSpan(trace, $0, using: &random) }
    }
    if !random.once(in: 3) { spans.shuffle(using: &random) }
    if random.once(in: 3) { spans.reverse() }
    return spans
  }

  private static func randomSpan(_ trace: UInt64, _ id: UInt64, using random: inout SeededGenerator) -> SpanStub {
    // A parent has a smaller id, or is one that never comes: no circles.
    let parent = id == 1 || random.once(in: 12) ? 0 : UInt64.random(in: 1..<id + 1, using: &random)
    var span = SpanStub(
      trace: trace, id, parent: parent == id ? 1000 + id : parent, start: .random(in: 1...4, using: &random),
      flags: random.once(in: 4) ? 0x300 : 0, scope: random.once(in: 6) ? "neatlogs.sdk" : "app")
    if random.once(in: 5) { span.resource = [StubAttribute("enduser.id", "process")] }
    let keys =
      idKeys + [metadataKey] + sessionKeys + [inherited, "plain"]
    for _ in 0..<[0, 0, 0, 1, 1, 2, 4].randomElement(using: &random)! {
      let values: [StubValue] = ["ann", "bob", "ann", "bob", 7, "", true, .empty]
      span.attributes.append(
        StubAttribute(keys.randomElement(using: &random)!, values.randomElement(using: &random)!))
    }
    return span
  }

  /// A span as a line to compare.
  static func line(_ trace: UInt64, _ id: UInt64, _ attributes: [StubAttribute]) -> String {
    "\(trace)/\(id): " + attributes.map { "\($0.key)=\($0.value)" }.sorted().joined(separator: " ")
  }
}
