import Locks

/// `self-test`: the generator straight into the sink, right and wrong in every way that the sink should notice.
struct SelfTest {
  static let valued: Set<String> = ["spans", "shape", "seed", "users", "patience"]

  private let traces: Int
  private let options: Options
  private let connections = 6

  /// - Throws: when an option makes no sense.
  init(_ options: Options) throws {
    self.options = options
    // Whole hundreds, so that a thousandth of the spans is a whole number.
    let hundreds = (try options.traces("spans", default: 200_000) + 99) / 100
    traces = max(1000, hundreds * 100)
  }

  /// A traffic, and the counts that it must lead to: the others must be zero.
  private struct Case {
    var name: String
    var change: (inout Traffic) -> Void = { _ in }
    var holdsRoots = false
    var faults: [(count: KeyPath<Tally, Int>, expected: Int)] = []
    var lost = 0
  }

  private var cases: [Case] {
    let strangers = traces * Numbering.spansPerTrace / 1000
    let firstRequests = connections * (RequestPlan.spans - 1)
    return [
      Case(name: "identity on every span"),
      Case(name: "the value before the key", change: { $0.valueFirst = true }),
      Case(name: "gzip", change: { $0.gzip = true }),
      Case(name: "chunked bodies", change: { $0.chunked = true }),
      Case(name: "roots after all children", holdsRoots: true),
      Case(
        name: "identity on roots only", change: { $0.identityEverywhere = false },
        faults: [(\.missing, traces * 9), (\.altered, traces * 9)]),
      Case(
        name: "somebody else's identity", change: { $0.fault = .strangersIdentity },
        faults: [(\.wrong, strangers)]),
      Case(
        name: "a key twice", change: { $0.fault = .identityTwice },
        faults: [(\.repeated, traces), (\.altered, traces)]),
      Case(name: "an attribute lost", change: { $0.fault = .attributeLost }, faults: [(\.altered, traces)]),
      Case(
        name: "requests twice", change: { $0.fault = .requestTwice }, faults: [(\.duplicates, firstRequests)]),
      Case(name: "requests lost", change: { $0.fault = .requestLost }, lost: firstRequests),
      Case(
        name: "another run's spans", change: { $0.seed += 1 },
        faults: [(\.foreign, traces * Numbering.spansPerTrace)], lost: traces * Numbering.spansPerTrace),
    ]
  }

  /// Runs all cases and prints a line for each.
  ///
  /// - Returns: whether the sink's counts were exactly those that were planted.
  /// - Throws: when traffic cannot be sent at all.
  func run() throws -> Bool {
    var passed = true
    for test in cases {
      let (verdict, sent) = try run(test)
      let planted = test.faults.reduce(0) { $0 + $1.expected }
      let noticed =
        verdict.lost == test.lost && verdict.tally.faults == planted
        && test.faults.allSatisfy { verdict.tally[keyPath: $0.count] == $0.expected }
        && verdict.passed == (planted == 0 && test.lost == 0)
      passed = passed && noticed
      let millions = Double(sent.spans) / 1e6
      let figures =
        "checked \(verdict.tally.checked), correct \(verdict.tally.correct), "
        + "CPU-s per million spans: generator \(Report.fixed(Double(sent.cpu) / 1e9 / millions, digits: 3)), "
        + "sink \(Report.fixed(Double(verdict.tally.cpu) / 1e9 / millions, digits: 3))"
      print("\(noticed ? "ok  " : "FAIL") \(test.name): \(figures)")
      for problem in verdict.problems { print("       \(problem)") }
    }
    return passed
  }

  private func run(_ test: Case) throws -> (Verdict, SentCount) {
    var traffic = try options.traffic()
    let expectation = Sink.Expectation(numbering: traffic.numbering, traces: traces)
    let sink = try Sink(port: 0, expecting: expectation)
    defer { sink.stop() }
    traffic.identityEverywhere = true
    test.change(&traffic)
    var load = try options.load(traffic, to: sink.endpoint)
    load.connections = connections
    let templates = SpanTemplates(traffic)
    let sent =
      test.holdsRoots
      ? try load.send(traces: 0..<traces, roots: .kept, templates: templates)
        + load.send(traces: 0..<traces, roots: .only, templates: templates)
      : try load.send(traces: 0..<traces, roots: .tenthLate, templates: templates)
    // Every request has been answered: nothing more will come.
    return (Verdict(sink.scoreboard, expectation), sent)
  }
}
