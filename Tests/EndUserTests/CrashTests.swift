import EndUser
import TestSupport
import Testing

/// Random arrivals, times and crashes: what was accepted leaves, as the rules say, and hardly anything twice.
struct CrashTests {
  private static let steps: [Duration] = [
    .milliseconds(500), .milliseconds(1500), .seconds(2), .seconds(9), .seconds(10), .seconds(100), .seconds(300),
  ]

  private struct Outcome {
    var spilled = 0
    var crashes = 0
    var moved = 0
  }

  /// One run after another on the same disk, and the model that knows of no crash.
  private final class Scenario<Disk: TestDisk> {
    var random: SeededGenerator
    var model: ReferenceModel
    let configuration: ReferenceModel.Configuration
    let clock = TestClock()
    var run: DurableRun<Disk>
    var outcome = Outcome()
    /// What left in earlier runs.
    private(set) var left: [DecodedSpan] = []
    /// How a span may look when it leaves.
    private(set) var allowed: Set<String> = []
    private let seed: UInt64
    private let maxWaitingBytes: Int

    init(seed: UInt64, _ makeDisk: (TestClock) -> Disk) {
      self.seed = seed
      random = SeededGenerator(seed: seed)
      configuration = ReferenceModel.randomConfiguration(using: &random)
      model = ReferenceModel(configuration)
      // Enough for the small form of all spans, and for a few in full.
      maxWaitingBytes = random.once(in: 4) ? 1 << 30 : 5000
      run = Self.makeRun(makeDisk(clock), clock, configuration, maxWaitingBytes)
    }

    private static func makeRun(
      _ disk: Disk, _ clock: TestClock, _ configuration: ReferenceModel.Configuration,
      _ maxWaitingBytes: Int
    ) -> DurableRun<Disk> {
      DurableRun(clock: clock, disk: disk, maxWaitingBytes: maxWaitingBytes, settlesAtOnce: false) {
        $0.inherit = [ReferenceModel.inherited]
        $0.fallback = configuration.fallsBack ? .topmost : .none
        $0.rootWait = configuration.rootWait
        $0.maxSpansPerTrace = min(configuration.maxSpansPerTrace, 100_000)
      }
    }

    func send(_ request: [SpanStub]) {
      model.receive(request)
      run.send(request)
      observe()
    }

    func pass(_ step: Duration) {
      model.pass(step)
      run.pass(step)
      observe()
    }

    /// Delivers some of what has left the processor, and writes down some of that.
    func deliver() {
      if random.once(in: 2) { run.exporter.settle { _ in random.once(in: 2) } }
      if random.once(in: 3) { run.disk.record() }
    }

    /// The process dies and another one takes over, perhaps much later.
    func crash() {
      let done = run.disk.recordedDone
      left += run.spans
      guard let disk = run.disk.reopened(moves: { _ in random.once(in: 3) }) as? Disk else { return }
      outcome.crashes += 1
      run = Self.makeRun(disk, clock, configuration, maxWaitingBytes)
      if random.once(in: 2) {
        let pause = CrashTests.steps.randomElement(using: &random)!
        clock.pass(pause)
        model.pass(pause)
      }
      outcome.moved += run.recover()
      observe()
      run.exporter.settle { _ in true }
      let again = run.spans.filter { done.contains([$0.trace, $0.id]) }
      #expect(again.isEmpty, "seed \(seed): left again though that was on the disk")
    }

    private func observe() {
      outcome.spilled = max(outcome.spilled, run.metric("heirloom_enduser_waiting_spans_on_disk"))
      for span in model.leavingAgain + model.left {
        allowed.insert(ReferenceModel.line(span.span.trace, span.span.id, span.attributes))
      }
    }

    /// Everything that left, when nothing waits any more.
    func finish() -> [DecodedSpan] {
      pass(.seconds(400))
      run.exporter.settle { _ in true }
      #expect(run.disk.remaining == 0, "seed \(seed): everything that was accepted is done")
      #expect(run.metric("heirloom_waiting_spans") == 0, "seed \(seed)")
      #expect(run.metric("heirloom_waiting_bytes") == 0, "seed \(seed)")
      #expect(run.metric("heirloom_enduser_waiting_spans_on_disk") == 0, "seed \(seed)")
      #expect(run.metric("heirloom_enduser_unreadable_spans") == 0, "seed \(seed)")
      return left + run.spans
    }
  }

  private func play(seed: UInt64, _ makeDisk: (TestClock) -> some TestDisk) -> Outcome {
    let scenario = Scenario(seed: seed, makeDisk)
    var pending = ReferenceModel.randomArrivals(using: &scenario.random)
    let padding = ProtobufWriter.message { $0.bytesField(99, [UInt8](repeating: 7, count: 500)) }
    for position in pending.indices { pending[position].extra = padding }
    var sent: [SpanStub] = []
    while !pending.isEmpty {
      if scenario.random.once(in: 4) { scenario.pass(Self.steps.randomElement(using: &scenario.random)!) }
      var request = Array(pending.prefix(.random(in: 1...7, using: &scenario.random)))
      pending.removeFirst(request.count)
      sent += request
      // Who sent it does not know what a process that died has done with it.
      if scenario.outcome.crashes == 0, scenario.random.once(in: 3) {
        request.append(sent.randomElement(using: &scenario.random)!)
      }
      scenario.send(request)
      scenario.deliver()
      if scenario.random.once(in: 6) { scenario.crash() }
    }
    let spans = scenario.finish()
    let lines = Set(spans.map { ReferenceModel.line($0.trace, $0.id, $0.attributes) })
    let ids = Set(spans.map { [$0.trace, $0.id] })
    #expect(ids == Set(sent.map { [$0.trace, $0.id] }), "seed \(seed): each span left, and no other")
    #expect(lines.subtracting(scenario.allowed).sorted() == [], "seed \(seed): as the rules say")
    return scenario.outcome
  }

  @Test(arguments: 0..<10 as Range<UInt64>)
  func `whenever the process dies, every accepted span leaves with the identity that the rules say`(block: UInt64) {
    var total = Outcome()
    for seed in block * 40..<block * 40 + 40 {
      let outcome = play(seed: seed) { clock in FakeDisk { clock.now } }
      total.spilled += outcome.spilled
      total.crashes += outcome.crashes
      total.moved += outcome.moved
    }
    #expect(total.spilled > 20 && total.crashes > 10 && total.moved > 5, "\(total)")
  }

  @Test(arguments: 0..<6 as Range<UInt64>)
  func `the same with a spool and a journal on a real disk`(block: UInt64) {
    var total = Outcome()
    for seed in 1000 + block * 12..<1012 + block * 12 {
      let outcome = play(seed: seed, RealDisk.init)
      total.spilled += outcome.spilled
      total.crashes += outcome.crashes
      total.moved += outcome.moved
    }
    #expect(total.spilled > 0 && total.crashes > 2, "\(total)")
  }
}
