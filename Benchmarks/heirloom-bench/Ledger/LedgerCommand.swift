import Glibc
import Ledger
import Locks
import SelfTelemetry

/// Writes a ledger: to see what that costs, or to have one.
struct LedgerCommand {
  static let valued: Set<String> = ["traces", "users", "sessions", "spans-per-trace", "days"]

  private let options: Options
  private let isMeasured: Bool
  private let path: String
  private var traffic = LedgerTraffic()
  /// Spans in a request, about.
  private static let requestSize = 500

  /// - Parameter arguments: those behind `ledger`.
  /// - Throws: when they make no sense.
  init(_ arguments: ArraySlice<String>) throws {
    var arguments = arguments
    guard let what = arguments.popFirst(), ["ingest", "generate"].contains(what) else {
      throw BenchError("ledger ingest or ledger generate")
    }
    isMeasured = what == "ingest"
    var path = "/tmp/heirloom-bench-\(getpid()).db"
    if !isMeasured {
      guard let file = arguments.popLast(), !file.hasPrefix("--") else {
        throw BenchError("ledger generate needs a file")
      }
      path = file
    }
    self.path = path
    options = try Options(arguments, valued: Self.valued)
    traffic.traces = try options.int("traces", default: isMeasured ? 200_000 : 3_000_000, in: 1...1_000_000_000)
    traffic.users = try options.int("users", default: isMeasured ? 10_000 : 100_000, in: 1...100_000_000)
    traffic.sessions = try options.int("sessions", default: max(traffic.traces / 10, 1), in: 1...100_000_000)
    traffic.spansPerTrace = try options.int("spans-per-trace", default: isMeasured ? 10 : 4, in: 1...1000)
    traffic.period =
      UInt64(try options.int("days", default: isMeasured ? 1 : 90, in: 1...10_000)) * 86_400_000_000_000
  }

  /// Writes and prints.
  ///
  /// - Throws: LedgerError.
  func run() throws -> Bool {
    var traffic = traffic
    let registry = MetricRegistry()
    var configuration = LedgerConfiguration(path: path)
    if !isMeasured { configuration.dedupWindow = .zero }
    let ledger = try Ledger(configuration, log: Log(), registry: registry)
    ledger.start()
    let feed = ledger.feed(pipeline: "traces")
    let begin = MonotonicClock.now()
    var held: [(trace: Int, spans: Range<Int>)] = []
    var chunk = FactsChunk()
    var sequence: UInt64 = 0

    func send() {
      sequence += 1
      // The ledger's thread is slower than this one.
      let facts = chunk
      while !feed.take(facts, sequence: sequence, safe: {}) { usleep(5000) }
      chunk.removeAll()
    }
    for trace in 0..<traffic.traces {
      // Most traces come at once, some in two or three requests.
      let all = 0..<traffic.spansPerTrace
      let parts = isMeasured && traffic.spansPerTrace > 3 ? [1, 1, 1, 1, 1, 1, 1, 2, 2, 3][trace % 10] : 1
      let first = all.prefix(traffic.spansPerTrace / parts)
      traffic.append(first, of: trace, to: &chunk)
      if !isMeasured { traffic.appendScores(of: trace, to: &chunk) }
      if parts == 2 { held.append((trace, first.upperBound..<all.upperBound)) }
      if parts == 3 {
        let middle = first.upperBound + 2
        held.append((trace, first.upperBound..<middle))
        held.append((trace, middle..<all.upperBound))
      }
      if held.count > 20_000 {
        for (trace, spans) in held.prefix(10_000) { traffic.append(spans, of: trace, to: &chunk) }
        held.removeFirst(10_000)
      }
      if chunk.spanCount >= Self.requestSize { send() }
    }
    for (trace, spans) in held { traffic.append(spans, of: trace, to: &chunk) }
    send()
    let generating = threadCPUTime()
    ledger.stop(until: .max)
    let wall = MonotonicClock.now() - begin

    var usage = rusage()
    getrusage(RUSAGE_SELF.rawValue, &usage)
    func nanoseconds(_ time: timeval) -> Int { time.tv_sec * 1_000_000_000 + time.tv_usec * 1000 }
    let user = nanoseconds(usage.ru_utime)
    let writing = user + nanoseconds(usage.ru_stime) - generating
    var report = Report()
    report.add("traces", traffic.traces)
    report.add("spans", traffic.traces * traffic.spansPerTrace)
    for name in ["spans", "duplicate_spans", "traces", "transactions", "failed_transactions"] {
      report.add("ledger_" + name, Int(registry.value("heirloom_ledger_" + name) ?? 0))
    }
    report.add("file_mib", Int(registry.value("heirloom_ledger_file_bytes") ?? 0) >> 20)
    report.add("cpu_us_per_trace", Double(writing) / Double(traffic.traces) / 1000, digits: 2)
    report.add("system_cpu_ms", nanoseconds(usage.ru_stime) / 1_000_000)
    report.add("seconds", Double(wall) / 1e9, digits: 2)
    print(report.table)
    print(report.json)
    if isMeasured { for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) } }
    return registry.value("heirloom_ledger_spans") == Double(traffic.traces * traffic.spansPerTrace)
  }
}
