import Glibc
import Locks

/// `run`: measures a collector that it starts, between the generator and the sink.
struct RunCommand {
  static let valued = Options.traffic.union([
    "collector-command", "collector-endpoint", "sink-port", "warm-up", "hold-roots", "name", "settle",
  ])

  static let flags = Options.trafficFlags.union(["no-identity"])

  private let command: String
  private let name: String
  private let identity: Bool
  private let traffic: Traffic
  private let patience: Int
  private let warmUp: Range<Int>
  private let measured: Range<Int>
  private let holdsRoots: Bool
  private let sinkPort: UInt16
  /// Milliseconds; 0 where the figures end with the last span.
  private let settle: Int
  private let load: Load

  /// - Throws: when an option makes no sense.
  init(_ options: Options) throws {
    guard let command = options.string("collector-command") else {
      throw BenchError("run needs --collector-command")
    }
    self.command = command
    name = options.string("name") ?? "collector"
    identity = !options.has("no-identity")
    traffic = try options.traffic()
    patience = try options.patience()
    sinkPort = UInt16(try options.int("sink-port", default: 0, in: 0...65535))
    settle = try options.int("settle", default: 0, in: 0...60_000)
    holdsRoots = options.string("hold-roots") != nil
    warmUp = 0..<(try options.traces("warm-up", default: 50_000))
    let traces =
      holdsRoots
      ? try options.traces("hold-roots", default: 0, spansPerTrace: Numbering.spansPerTrace - 1)
      : try options.traces("spans", default: 800_000)
    guard traces > 0 else { throw BenchError("there is nothing to send") }
    measured = warmUp.upperBound..<(warmUp.upperBound + traces)
    let endpoint = try options.string("collector-endpoint").map { try Endpoint($0) }
    load = try options.load(traffic, to: try endpoint ?? Self.freeEndpoint())
  }

  /// What the load did to the collector.
  private struct Measurement {
    var sent = SentCount()
    var seen = Tally()
    var seconds = 0.0
    var cpuSeconds = 0.0
    var peakBytes = 0
    var held: (growth: Int, spanBytes: Int)?
  }

  /// Runs, and prints the table and the line of JSON.
  ///
  /// - Returns: whether every span arrived as it should.
  /// - Throws: when there is nothing to judge.
  func run() throws -> Bool {
    let expectation = Sink.Expectation(
      numbering: traffic.numbering, traces: measured.upperBound, identity: identity)
    let sink = try Sink(port: sinkPort, expecting: expectation)
    defer { sink.stop() }
    let collector = try CollectorProcess(
      command: command,
      environment: [
        "BENCH_COLLECTOR_ENDPOINT": load.endpoint.description, "BENCH_SINK_ENDPOINT": sink.endpoint.description,
      ])
    let measurement: Measurement
    do {
      try collector.waitUntilListening(at: load.endpoint, seconds: 30)
      measurement = try measure(collector, sink)
    } catch {
      _ = collector.stop(seconds: 15)
      throw error
    }
    let ending = collector.stop(seconds: 15)
    var verdict = Verdict(sink.scoreboard, expectation)
    if let ending { verdict.add(problem: "the collector ended with \(ending)") }
    print(measurement, verdict)
    return verdict.passed
  }

  private func measure(_ collector: CollectorProcess, _ sink: Sink) throws -> Measurement {
    let templates = SpanTemplates(traffic)
    var measurement = Measurement()
    _ = try load.send(traces: warmUp, roots: .tenthLate, templates: templates)
    awaitSpans(warmUp.upperBound, at: sink)
    try awaitRest(of: collector)

    let seenBefore = sink.scoreboard.state.tally
    let cpuBefore = try collector.cpuSeconds
    let start = MonotonicClock.now()
    if holdsRoots {
      let residentBefore = try collector.residentBytes
      measurement.sent = try load.send(traces: measured, roots: .kept, templates: templates)
      measurement.held = (try collector.residentBytes - residentBefore, measurement.sent.spanBytes)
      measurement.sent =
        try measurement.sent + load.send(traces: measured, roots: .only, templates: templates)
    } else {
      measurement.sent = try load.send(traces: measured, roots: .tenthLate, templates: templates)
    }
    awaitSpans(measured.upperBound, at: sink)
    try awaitRest(of: collector)

    measurement.cpuSeconds = try collector.cpuSeconds - cpuBefore
    measurement.peakBytes = try collector.peakBytes
    let state = sink.scoreboard.state
    measurement.seen = state.tally - seenBefore
    measurement.seconds = Double(max(state.lastArrival, start + 1) - start) / 1e9
    return measurement
  }

  /// Whether all came is for the verdict to say.
  private func awaitSpans(_ traces: Int, at sink: Sink) {
    let deadline = MonotonicClock.now() + UInt64(patience) * 1_000_000_000
    _ = sink.scoreboard.wait(forSpans: traces * Numbering.spansPerTrace, until: deadline)
  }

  /// Waits until the collector has done next to nothing for as long as was asked for: what it does beside the way of the spans
  /// is among its costs.
  private func awaitRest(of collector: CollectorProcess) throws {
    guard settle > 0 else { return }
    let deadline = MonotonicClock.now() + UInt64(patience) * 1_000_000_000
    let little = Double(settle) / 1000 * 0.02
    var before = try collector.cpuSeconds
    while MonotonicClock.now() < deadline {
      usleep(UInt32(settle) * 1000)
      let now = try collector.cpuSeconds
      if now - before < little { return }
      before = now
    }
  }

  private func print(_ measurement: Measurement, _ verdict: Verdict) {
    let (sent, seen) = (measurement.sent, measurement.seen)
    let millions = Double(sent.spans) / 1e6
    var report = Report()
    report.add("name", name)
    report.add(
      "traffic",
      traffic.shape.rawValue + (traffic.json ? ", JSON" : "") + (traffic.gzip ? ", gzip" : "")
        + (holdsRoots ? ", roots held back" : ""))
    report.add("spans", sent.spans)
    report.add("requests_in", sent.requests)
    report.add("requests_out", seen.requests)
    report.add("refusals", sent.refusals)
    report.add("seconds", measurement.seconds, digits: 3)
    report.add("spans_per_second", Int(Double(sent.spans) / measurement.seconds))
    report.add("cpu_seconds", measurement.cpuSeconds, digits: 3)
    report.add("cpu_seconds_per_million_spans", measurement.cpuSeconds / millions, digits: 3)
    report.add("peak_mib", Double(measurement.peakBytes) / 1_048_576, digits: 1)
    report.add("bytes_in", sent.bytes)
    report.add("bytes_out", seen.bytes)
    report.add("bytes_out_on_the_wire", seen.wireBytes)
    report.add("identity_bytes", seen.identityBytes)
    report.add(
      "bytes_out_less_identity_over_in", Double(seen.bytes - seen.identityBytes) / Double(sent.bytes), digits: 4)
    if let held = measurement.held {
      report.add("held_span_bytes", held.spanBytes)
      report.add("held_memory_growth", held.growth)
      report.add("held_memory_over_span_bytes", Double(held.growth) / Double(held.spanBytes), digits: 4)
    }
    report.add("generator_cpu_seconds_per_million_spans", Double(sent.cpu) / 1e9 / millions, digits: 3)
    report.add("sink_cpu_seconds_per_million_spans", Double(seen.cpu) / 1e9 / millions, digits: 3)
    report.add(verdict.tally)
    report.add("spans_lost", verdict.lost)
    report.add("verdict", verdict.passed ? "passed" : verdict.problems.joined(separator: "; "))
    Swift.print(report.table)
    Swift.print(report.json)
  }

  /// A port that nobody has, found by taking it for a moment.
  private static func freeEndpoint() throws -> Endpoint {
    .loopback(try Socket.listen(at: .loopback(0)).port)
  }
}
