import EndUser
import Locks
import TestSupport
import Testing

/// Random arrivals and times: the processor does what the reference model does.
struct ReferenceModelTests {
  private static let steps: [Duration] = [
    .milliseconds(500), .milliseconds(1500), .seconds(2), .seconds(9), .seconds(10), .seconds(100), .seconds(300),
    .seconds(3600),
  ]

  private func run(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let configuration = ReferenceModel.randomConfiguration(using: &random)
    var model = ReferenceModel(configuration)
    let harness = Harness {
      $0.inherit = [ReferenceModel.inherited]
      $0.fallback = configuration.fallsBack ? .topmost : .none
      $0.rootWait = configuration.rootWait
      $0.maxSpansPerTrace = min(configuration.maxSpansPerTrace, 100_000)
    }

    var pending = ReferenceModel.randomArrivals(using: &random)
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

    #expect(
      harness.spans.map { ReferenceModel.line($0.trace, $0.id, $0.attributes) }.sorted()
        == model.left.map { ReferenceModel.line($0.span.trace, $0.span.id, $0.attributes) }.sorted(), "seed \(seed)")
    #expect(harness.told.withLock { $0.count { $0.unattributed != nil } } == model.unattributed, "seed \(seed)")
    #expect(harness.metric("heirloom_duplicate_spans") == model.duplicates, "seed \(seed)")
    #expect(harness.metric("heirloom_waiting_spans") == 0, "seed \(seed)")
  }

  @Test(arguments: 0..<10 as Range<UInt64>)
  func `any arrival, at any times, ends as the rules say`(block: UInt64) throws {
    for seed in block * 60..<block * 60 + 60 { try run(seed: seed) }
  }
}
