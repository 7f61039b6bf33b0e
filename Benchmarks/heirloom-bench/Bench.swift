import Glibc
import Locks

/// The command line of the benchmark.
enum Bench {
  private static let usage = """
    usage
      heirloom-bench run --collector-command COMMAND [options]
          Starts a collector, sends traffic through it to a sink of its own, checks every span, prints figures.
          COMMAND is for the shell, with $BENCH_COLLECTOR_ENDPOINT (where to listen) and $BENCH_SINK_ENDPOINT
          (where to send), both host:port, in its environment.
        --collector-endpoint HOST:PORT   where the collector listens (a free port)
        --sink-port PORT                 where the sink listens (a free port)
        --warm-up SPANS                  sent before the figures begin, and checked like the others (50000)
        --hold-roots SPANS               sends that many children before any root, for the memory they take
        --settle MILLISECONDS            the figures end when the collector has done nothing for that long, not with the
                                         last span (0)
        --no-identity                    for collectors that hand nothing down: spans leave as they came
        --name NAME                      for the report
      heirloom-bench serve-sink --port PORT [--no-identity] [options]
          Only the sink: waits for SPANS spans, then says what it saw.
      heirloom-bench generate --endpoint HOST:PORT [options]
          Only the generator.
      heirloom-bench stages [options]
          What indexing, assembling and splicing cost inside one process, without sockets.
      heirloom-bench ledger ingest [--traces N] [--users N] [--sessions N] [--spans-per-trace N]
          What writing a ledger costs a trace, on its thread: all but what spans have to be turned into facts.
      heirloom-bench ledger generate [--traces N] [--users N] [--sessions N] [--spans-per-trace N] [--days N] FILE
          Makes a ledger, to ask it something.
      heirloom-bench self-test [options]
          The generator into the sink: shows that the checks notice what they should.
      options:
        --spans SPANS                    (800000; self-test and stages 200000)
        --connections N                  keep-alive connections (6)
        --shape lean|fat                 850 or 5900 bytes a span (lean)
        --seed N, --users N              equal seeds make equal traffic (1; 5000 users)
        --grpc                           sends OTLP/gRPC, not OTLP/HTTP
        --json                           sends OTLP/JSON (stages: whatever is asked for)
        --gzip                           compresses requests (the sink reads gzip anyway)
        --patience SECONDS               how long each phase may take (120)
    """

  /// Does what the command line says, and exits: with 0 when all is well, 1 when a check failed, 2 when nothing could
  /// be measured.
  static func main() {
    let arguments = CommandLine.arguments.dropFirst()
    do {
      guard let command = arguments.first, let run = try self.command(command, arguments.dropFirst()) else {
        printError(usage)
        exit(2)
      }
      exit(try run() ? 0 : 1)
    } catch {
      printError("\(error)")
      exit(2)
    }
  }

  private static func command(_ name: String, _ arguments: ArraySlice<String>) throws -> (() throws -> Bool)? {
    switch name {
    case "run":
      try RunCommand(Options(arguments, valued: RunCommand.valued, flags: RunCommand.flags)).run
    case "serve-sink":
      {
        try serveSink(
          Options(arguments, valued: ["port", "spans", "seed", "users", "patience"], flags: ["no-identity"]))
      }
    case "generate":
      { try generate(Options(arguments, valued: Options.traffic.union(["endpoint"]), flags: Options.trafficFlags)) }
    case "stages":
      try StagesCommand(Options(arguments, valued: Options.traffic, flags: Options.trafficFlags)).run
    case "ledger":
      try LedgerCommand(arguments).run
    case "self-test":
      try SelfTest(Options(arguments, valued: SelfTest.valued)).run
    default: nil
    }
  }

  private static func serveSink(_ options: Options) throws -> Bool {
    let expectation = Sink.Expectation(
      numbering: try options.traffic().numbering, traces: try options.traces("spans", default: 800_000),
      identity: !options.has("no-identity"))
    let port = UInt16(try options.int("port", default: 0, in: 0...65535))
    let deadline = MonotonicClock.now() + UInt64(try options.patience()) * 1_000_000_000
    let sink = try Sink(port: port, expecting: expectation)
    defer { sink.stop() }
    printError("the sink listens at \(sink.endpoint)")
    _ = sink.scoreboard.wait(forSpans: expectation.spans, until: deadline)
    let verdict = Verdict(sink.scoreboard, expectation)
    var report = Report()
    report.add("spans", verdict.tally.spans)
    report.add("requests", verdict.tally.requests)
    report.add("bytes", verdict.tally.bytes)
    report.add("identity_bytes", verdict.tally.identityBytes)
    report.add(verdict.tally)
    report.add("spans_lost", verdict.lost)
    report.add("verdict", verdict.passed ? "passed" : verdict.problems.joined(separator: "; "))
    print(report.table)
    print(report.json)
    return verdict.passed
  }

  private static func generate(_ options: Options) throws -> Bool {
    guard let endpoint = options.string("endpoint") else { throw BenchError("generate needs --endpoint") }
    let traffic = try options.traffic()
    let traces = try options.traces("spans", default: 800_000)
    let sent = try options.load(traffic, to: Endpoint(endpoint))
      .send(traces: 0..<traces, roots: .tenthLate, templates: SpanTemplates(traffic))
    var report = Report()
    report.add("spans", sent.spans)
    report.add("requests", sent.requests)
    report.add("bytes", sent.bytes)
    report.add("refusals", sent.refusals)
    print(report.table)
    print(report.json)
    return true
  }
}
