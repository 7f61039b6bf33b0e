import Foundation
import OTLP
import TestSupport
import Testing

/// Log records and metrics, as the index and Python's protobuf see them.
struct ItemIndexOracleTests {
  private struct Verdict: Decodable {
    struct Item: Decodable {
      struct Attribute: Decodable {
        var key: String
      }

      var traceId: String?
      var spanId: String?
      var start: String?
      var points: Int?
      var scope: String?
      var attributes: [Attribute]?
    }

    var message: Data
    var accepted: Bool
    var spans: [Item]

    static func all(_ signal: Signal, seed: Int, count: Int) throws -> [Verdict] {
      try decode(OraclePython.run("Tests/Oracles/index_oracle.py", [String(seed), String(count), signal.name]))
    }

    static func of(_ requests: [[UInt8]], _ signal: Signal) throws -> [Verdict] {
      let lines = requests.map { Data($0).base64EncodedString() + "\n" }.joined()
      return try decode(
        OraclePython.run("Tests/Oracles/index_oracle.py", ["-", signal.name], input: Data(lines.utf8)))
    }

    private static func decode(_ output: Data) throws -> [Verdict] {
      try output.split(separator: UInt8(ascii: "\n")).map { try JSONDecoder().decode(Verdict.self, from: $0) }
    }
  }

  /// An item as both sides can say it.
  private struct Facts: Equatable {
    var ids: [String] = ["", ""]
    /// The time of a log record, the data points of a metric.
    var number: UInt64 = 0
    /// The keys that were asked for, in their order.
    var keys: [String] = []
    var isMarked = false

    init() {}

    init(_ item: Verdict.Item) {
      if let points = item.points { number = UInt64(points) }
      isMarked = item.scope?.hasPrefix("gen_") ?? false
      guard let trace = item.traceId, let span = item.spanId else { return }
      number = item.start.flatMap { UInt64($0) } ?? 0
      if trace.count == 32, trace.contains(where: { $0 != "0" }) {
        ids[0] = trace
        if span.count == 16, span.contains(where: { $0 != "0" }) { ids[1] = span }
      }
      keys = (item.attributes ?? []).map(\.key).filter { $0 == "a" || $0 == "" || $0.hasPrefix("gen_ai.") }
    }
  }

  /// A request in memory of exactly its size, and its index.
  private final class Indexed {
    let batch: SpanBatch
    let rules = SpanRules()

    init(_ request: [UInt8], _ signal: Signal) throws {
      _ = rules.number(forKey: "a")
      _ = rules.number(forKey: "")
      _ = rules.number(forPrefix: "gen_ai.")
      rules.mark(.neatlogs, whereScopeHasPrefix: "gen_")
      let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: request.count, alignment: 1)
      memory.copyBytes(from: request)
      let index = SpanIndex()
      do {
        try index.fill(from: UnsafeRawBufferPointer(memory), signal: signal, rules: rules)
      } catch {
        memory.deallocate()
        throw error
      }
      batch = SpanBatch(bytes: UnsafeRawBufferPointer(memory), index: index, interner: ScopeInterner()) { _ in
        memory.deallocate()
      }
    }

    var facts: [Facts] { (0..<batch.spanCount).map(facts) }

    private func facts(_ position: Int) -> Facts {
      let item = batch.index.spans[position]
      var facts = Facts()
      if item.traceID != TraceID(first: 0, second: 0) { facts.ids[0] = item.traceID.hexadecimal }
      if item.spanID != 0 { facts.ids[1] = TraceID.hexadecimal(item.spanID) }
      facts.number = item.start
      facts.isMarked = item.marks.contains(.neatlogs)
      facts.keys = (0..<Int(item.attributeCount)).map { number in
        let attribute = batch.index.attributes[Int(item.attribute) + number]
        return String(
          decoding: UnsafeRawBufferPointer(
            start: batch.payload(of: item) + Int(attribute.keyOffset), count: Int(attribute.keyLength)), as: UTF8.self)
      }
      return facts
    }

    /// All items put into a new request, and in which order they are there.
    func rebuilt() throws -> (request: EncodedRequest, facts: [Facts])? {
      let builder = RequestBuilder(batch.signal)
      for position in 0..<batch.spanCount {
        let item = batch.index.spans[position]
        builder.append(
          span: batch.payload(of: item), length: Int(item.length),
          scope: .passUnretained(batch.scopes[Int(item.scope)]), cuts: UnsafeBufferPointer(start: nil, count: 0),
          suffix: UnsafeRawBufferPointer(start: nil, count: 0), items: batch.index.itemCount(of: item))
      }
      guard let request = builder.seal() else { return nil }
      return (request, try Indexed(request.bytes, batch.signal).facts)
    }
  }

  @Test(
    .enabled(if: OraclePython.path != nil, "\(OraclePython.requirement)"), arguments: [Signal.logs, .metrics],
    [1, 2, 3])
  func `what Python's protobuf and libprotobuf-c accept is indexed, with the same values`(
    signal: Signal, seed: Int
  ) throws {
    let room = ProtobufWriter.message { $0.bytesField(99, [UInt8](repeating: 0x0a, count: 300)) }
    var itemCount = 0
    var refused = 0
    var rebuilt: [(request: EncodedRequest, facts: [Facts])] = []
    for (position, verdict) in try Verdict.all(signal, seed: seed, count: 400).enumerated() {
      let request = [UInt8](verdict.message)
      let comment: Comment = "\(signal), seed \(seed), case \(position)"
      guard let indexed = try? Indexed(request, signal) else {
        refused += 1
        #expect(!verdict.accepted || !LibprotobufC.accepts(request, as: signal), comment)
        continue
      }
      guard verdict.accepted else { continue }
      #expect(indexed.facts == verdict.spans.map(Facts.init), comment)
      #expect(indexed.batch.index.rejectedCount == 0, comment)
      // With bytes behind it, most attributes take the short way.
      #expect(try Indexed(request + room, signal).facts == indexed.facts, comment)
      let points = verdict.spans.reduce(0) { $0 + ($1.points ?? 1) }
      #expect(indexed.batch.index.itemCount == points, comment)
      itemCount += points
      if let again = try indexed.rebuilt() {
        #expect(again.request.itemCount == points && again.request.signal == signal, comment)
        rebuilt.append(again)
      }
    }
    #expect(itemCount > 200 && refused > 50 && rebuilt.count > 100, "too one-sided to say much")
    for (position, verdict) in try Verdict.of(rebuilt.map(\.request.bytes), signal).enumerated() {
      #expect(verdict.accepted, "rebuilt \(position)")
      #expect(verdict.spans.map(Facts.init) == rebuilt[position].facts, "rebuilt \(position)")
    }
  }

  @Test(arguments: [Signal.logs, .metrics])
  func `text that is not UTF-8 leaves its item out, and what is counted of it`(signal: Signal) throws {
    func item(_ text: [UInt8]) -> [UInt8] {
      ProtobufWriter.message { item in
        if signal == .logs {
          item.bytesField(3, text)
        } else {
          item.bytesField(1, text)
          // A gauge of two data points.
          item.bytesField(5, [0x0a, 0, 0x0a, 0])
        }
      }
    }
    let request = ProtobufWriter.message { request in
      request.bytesField(
        1,
        ProtobufWriter.message { resource in
          resource.bytesField(
            2,
            ProtobufWriter.message { scope in
              scope.bytesField(2, item([0x61]))
              scope.bytesField(2, item([0xff]))
            })
        })
    }
    let indexed = try Indexed(request, signal)
    #expect(indexed.batch.spanCount == 1)
    #expect(indexed.batch.index.rejected(.string) == (signal == .logs ? 1 : 2))
    #expect(indexed.batch.index.itemCount == (signal == .logs ? 1 : 2))
  }
}
