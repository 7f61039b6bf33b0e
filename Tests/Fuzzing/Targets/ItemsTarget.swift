import OTLP
import TestSupport

extension FuzzTarget {
  /// The index of a request of log records or metrics: what it accepts can be put into a new request, which holds the same
  /// items, and which full decoders accept as they accept the original.
  static let logs = FuzzTarget(name: "logs") { faultOfItems($0, .logs) }
  static let metrics = FuzzTarget(name: "metrics") { faultOfItems($0, .metrics) }

  private static func faultOfItems(_ request: [UInt8], _ signal: Signal) -> String? {
    guard let first = Items(request, signal) else { return nil }
    // With bytes behind it, most attributes take the short way.
    let room = ProtobufWriter.message { $0.bytesField(99, [UInt8](repeating: 0x0a, count: 300)) }
    guard let roomy = Items(request + room, signal), roomy.payloads == first.payloads, roomy.count == first.count else {
      return "read otherwise with room behind it"
    }
    guard let rebuilt = first.rebuilt else {
      return first.payloads.isEmpty ? nil : "items were lost on the way into a new request"
    }
    guard rebuilt.itemCount == first.count else { return "a new request counts other items" }
    let bytes = rebuilt.bytes
    guard let again = Items(bytes, signal) else { return "a new request that is malformed" }
    guard
      again.payloads.sorted(by: { $0.lexicographicallyPrecedes($1) })
        == first.payloads.sorted(by: { $0.lexicographicallyPrecedes($1) }), again.count == first.count
    else { return "a new request with other items" }
    guard LibprotobufC.accepts(bytes, as: signal) || !LibprotobufC.accepts(request, as: signal) else {
      return "a new request that libprotobuf-c does not accept"
    }
    var text: [UInt8] = []
    let isJSON: Void? = try? bytes.withUnsafeBytes { try OTLPJSON.append(message: $0, signal: signal, to: &text) }
    return isJSON == nil ? "a new request that has no JSON" : nil
  }

  /// What an index says of a request that lies in memory of exactly its size.
  private struct Items {
    let payloads: [[UInt8]]
    let count: Int
    let rebuilt: EncodedRequest?

    init?(_ request: [UInt8], _ signal: Signal) {
      let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: request.count, alignment: 1)
      defer { memory.deallocate() }
      memory.copyBytes(from: request)
      let index = SpanIndex()
      let rules = ReferenceRules.forRandomTelemetry().rules
      guard (try? index.fill(from: UnsafeRawBufferPointer(memory), signal: signal, rules: rules)) != nil else {
        return nil
      }
      let batch = SpanBatch(bytes: UnsafeRawBufferPointer(memory), index: index, interner: ScopeInterner()) { _ in }
      let builder = RequestBuilder(signal)
      payloads = (0..<batch.spanCount).map { position in
        let item = batch.index.spans[position]
        let payload = UnsafeRawBufferPointer(start: batch.payload(of: item), count: Int(item.length))
        builder.append(
          span: batch.payload(of: item), length: payload.count,
          scope: .passUnretained(batch.scopes[Int(item.scope)]), cuts: UnsafeBufferPointer(start: nil, count: 0),
          suffix: UnsafeRawBufferPointer(start: nil, count: 0), items: index.itemCount(of: item))
        return Array(payload)
      }
      count = index.itemCount
      rebuilt = builder.seal()
    }
  }
}
