import EndUser
import Locks
import TestSupport
import Testing

/// Random arrivals and times: the processor does what the reference model does.
struct ReferenceModelTests {
  private static func span(_ trace: UInt64, _ id: UInt64, using random: inout SeededGenerator) -> SpanStub {
    // A parent has a smaller id, or is one that never comes: no circles.
    let parent = id == 1 || random.once(in: 12) ? 0 : UInt64.random(in: 1..<id + 1, using: &random)
    var span = SpanStub(
      trace: trace, id, parent: parent == id ? 1000 + id : parent, start: .random(in: 1...4, using: &random),
      flags: random.once(in: 4) ? 0x300 : 0, scope: random.once(in: 6) ? "neatlogs.sdk" : "app")
    if random.once(in: 5) { span.resource = [StubAttribute("enduser.id", "process")] }
    let keys =
      ReferenceModel.idKeys + [ReferenceModel.metadataKey] + ReferenceModel.sessionKeys
      + [ReferenceModel.inherited, "plain"]
    for _ in 0..<[0, 0, 0, 1, 1, 2, 4].randomElement(using: &random)! {
      let values: [StubValue] = ["ann", "bob", "ann", "bob", 7, "", true, .empty]
      span.attributes.append(
        StubAttribute(keys.randomElement(using: &random)!, values.randomElement(using: &random)!))
    }
    return span
  }

  private static let steps: [Duration] = [
    .milliseconds(500), .milliseconds(1500), .seconds(2), .seconds(9), .seconds(10), .seconds(100), .seconds(300),
    .seconds(3600),
  ]

  private func run(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var configuration = ReferenceModel.Configuration()
    configuration.fallsBack = !random.once(in: 5)
    if random.once(in: 4) { configuration.maxSpansPerTrace = 4 }
    if random.once(in: 4) { configuration.rootWait = .seconds(5) }
    var model = ReferenceModel(configuration)
    let harness = Harness {
      $0.inherit = [ReferenceModel.inherited]
      $0.fallback = configuration.fallsBack ? .topmost : .none
      $0.rootWait = configuration.rootWait
      $0.maxSpansPerTrace = min(configuration.maxSpansPerTrace, 100_000)
    }

    var pending = (1...6).flatMap { (trace: UInt64) in
      (1...UInt64.random(in: 1...8, using: &random)).map { Self.span(trace, $0, using: &random) }
    }
    if !random.once(in: 3) { pending.shuffle(using: &random) }
    if random.once(in: 3) { pending.reverse() }
    var sent: [SpanStub] = []
    while !pending.isEmpty {
      if random.once(in: 4) {
        let step = Self.steps.randomElement(using: &random)!
        model.pass(step)
        harness.pass(step)
      }
      var request = Array(pending.prefix(.random(in: 1...7, using: &random)))
      pending.removeFirst(request.count)
      sent += request
      if random.once(in: 3) { request.append(sent.randomElement(using: &random)!) }
      // Runs of the same resource and scope make one request of the stubs; the order of the spans stays.
      model.receive(request)
      harness.send(request)
    }
    model.stop()
    harness.processor.stop()

    func line(_ trace: UInt64, _ id: UInt64, _ attributes: [StubAttribute]) -> String {
      "\(trace)/\(id): " + attributes.map { "\($0.key)=\($0.value)" }.sorted().joined(separator: " ")
    }
    #expect(
      harness.spans.map { line($0.trace, $0.id, $0.attributes) }.sorted()
        == model.left.map { line($0.span.trace, $0.span.id, $0.attributes) }.sorted(), "seed \(seed)")
    #expect(harness.told.withLock { $0.count { $0.unattributed != nil } } == model.unattributed, "seed \(seed)")
    #expect(harness.metric("heirloom_duplicate_spans") == model.duplicates, "seed \(seed)")
    #expect(harness.metric("heirloom_waiting_spans") == 0, "seed \(seed)")
  }

  @Test(arguments: 0..<10 as Range<UInt64>)
  func `any arrival, at any times, ends as the rules say`(block: UInt64) throws {
    for seed in block * 60..<block * 60 + 60 { try run(seed: seed) }
  }
}
