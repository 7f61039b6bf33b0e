import EndUser
import Facts
import Glibc
import Ledger
import OTLP
import Pipeline
import SelfTelemetry

/// What the stages of a span's path cost inside the process, without sockets: CPU-seconds per million spans, on one
/// thread, the best of several rounds over the same requests.
struct StagesCommand {
  private static let rounds = 5
  private let requests: [[UInt8]]
  /// The same in JSON, each with the margin that a reader wants.
  private let texts: [[UInt8]]
  private let spans: Int
  private let rules = SpanRules()
  private let interner = ScopeInterner()

  /// - Parameter options: of the traffic.
  /// - Throws: when an option makes no sense.
  init(_ options: Options) throws {
    let traffic = try options.traffic()
    let count = try options.int("spans", default: 200_000, in: 512...10_000_000)
    let writer = RequestWriter(traffic, templates: SpanTemplates(traffic), instance: 0)
    var planner = RequestPlanner(traces: 0..<count / Numbering.spansPerTrace, roots: .tenthLate)
    var requests: [[UInt8]] = []
    var spans = 0
    while let plan = planner.next() {
      requests.append(Array(writer.write(plan)))
      spans += plan.spanCount
    }
    self.requests = requests
    texts = try requests.map { request in
      var text: [UInt8] = []
      try request.withUnsafeBytes { try OTLPJSON.append(message: $0, signal: .traces, to: &text) }
      return text + [UInt8](repeating: 0, count: OTLPJSONReader.margin)
    }
    self.spans = spans
    _ = IdentityPlan(EndUserConfiguration(), rules: rules)
  }

  /// Measures and prints.
  ///
  /// - Throws: when the traffic is malformed, which would be a fault of this program.
  func run() throws -> Bool {
    let json = try best { try readAll() }
    let index = try best { try indexAll { _ in } }
    let splice = try best { try spliceAll() } - index
    let whole = try best { try enrichAll() }
    let facts = try best { try recordAll() } - index
    print("CPU-seconds per million spans, \(spans) spans in \(requests.count) requests, best of \(Self.rounds)")
    let textBytes = texts.reduce(0) { $0 + $1.count - OTLPJSONReader.margin } / spans
    for (name, seconds) in [
      ("before it, JSON of \(textBytes) bytes a span to protobuf", json),
      ("index", index), ("splice, with identity", splice), ("index + splice", index + splice),
      ("assemble: trace table, waiting storage, identity", whole - index - splice), ("all of it", whole),
      ("beside it, facts and their records", facts),
    ] {
      print("  \(name): \(Self.rounded(seconds))")
    }
    return true
  }

  private func best(_ body: () throws -> Void) rethrows -> Double {
    var best = Double.infinity
    for _ in 0..<Self.rounds {
      let start = threadCPUTime()
      try body()
      best = min(best, Double(threadCPUTime() - start) / Double(spans) / 1000)
    }
    return best
  }

  /// Indexes every request; the index is lent.
  private func indexAll(_ body: (SpanBatch) -> Void) throws {
    var index = SpanIndex()
    for request in requests {
      try request.withUnsafeBytes { bytes in
        try index.fill(from: bytes, rules: rules)
        body(SpanBatch(bytes: bytes, index: index, interner: interner) { index = $0 })
      }
    }
  }

  /// Turns every text into protobuf.
  private func readAll() throws {
    let reader = OTLPJSONReader()
    var memory: [UInt8] = Array(repeating: 0, count: texts.map(\.count).max() ?? 0)
    for text in texts {
      try memory.withUnsafeMutableBytes { memory in
        try text.withUnsafeBytes { text in
          _ = try reader.read(
            UnsafeRawBufferPointer(rebasing: text.dropLast(OTLPJSONReader.margin)), as: .request(.traces),
            limit: memory.count, reserve: { _ in UnsafeMutableRawBufferPointer(rebasing: memory[...]) })
        }
      }
    }
  }

  /// Writes every span behind one another, each with as many bytes as the traffic's identity has.
  private func spliceAll() throws {
    let suffix = [UInt8](repeating: 0, count: 177)
    let batcher = Batcher(exporters: [])
    try indexAll { batch in
      suffix.withUnsafeBytes { suffix in
        batcher.write { writer in
          for position in 0..<batch.spanCount {
            let span = batch.index.spans[position]
            writer.append(
              span: batch.payload(of: span), length: Int(span.length),
              scope: .passUnretained(batch.scopes[Int(span.scope)]),
              cuts: UnsafeBufferPointer(start: nil, count: 0), suffix: suffix)
          }
        }
      }
    }
    batcher.close()
  }

  private func enrichAll() throws {
    let batcher = Batcher(exporters: [])
    let processor = EndUserProcessor(
      EndUserConfiguration(), rules: rules,
      metrics: EndUserMetrics(registry: MetricRegistry(), processor: "enduser", pipeline: "traces"),
      output: batcher)
    try indexAll { batch in processor.consume(batch) { _ in } }
    processor.stop()
    batcher.close()
  }

  /// Finds out what every span says, and writes it down as the ledger does.
  private func recordAll() throws {
    var extractor = FactsExtractor(plan: FactsPlan(EndUserConfiguration(), rules: rules, readsScores: true))
    extractor.acceptance = 1_800_000_000_000_000_000
    var chunk = FactsChunk()
    try indexAll { batch in
      chunk.removeAll()
      for position in 0..<batch.spanCount { extractor.extract(batch, at: position) { chunk.append($0) } }
    }
  }

  private static func rounded(_ seconds: Double) -> String {
    String((seconds * 1000).rounded() / 1000)
  }
}
