import Facts
import OTLP
import Privacy

/// Shows requests to the ledger as it may know them. Whatever it keeps of a span, and whatever waits for it on disk, is found
/// out from these bytes and no others.
struct PrivateRequests {
  private var rewriter: PrivacyRewriter
  private let rules: SpanRules
  private let index = SpanIndex()
  /// Of its own: nobody else has such resources.
  private let interner = ScopeInterner()

  /// - Parameters:
  ///   - policy: of the ledger.
  ///   - rules: what the requests were indexed by.
  init(_ policy: PrivacyPolicy, rules: SpanRules) {
    rewriter = PrivacyRewriter(policy)
    self.rules = rules
  }

  /// Lends a batch of the same spans, named by the same record.
  ///
  /// - Throws: when the bytes are no request, which no index has accepted then.
  mutating func lend<Value>(_ batch: SpanBatch, _ body: (SpanBatch) -> Value) throws -> Value {
    let bytes = try rewritten(batch)
    return try bytes.withUnsafeBytes { bytes in
      try index.fill(from: bytes, signal: batch.signal, rules: rules)
      let rewritten = SpanBatch(bytes: bytes, index: index, interner: interner) { _ in }
      guard let record = batch.record else { return body(rewritten) }
      return body(SpanBatch(rewritten, record: record))
    }
  }

  private mutating func rewritten(_ batch: SpanBatch) throws -> [UInt8] {
    guard batch.index.rejectedCount > 0 else {
      return try rewriter.rewritten(batch.bytes, batch.signal)
    }
    // What was left out of the request must not be in it again because the reason for that was written over.
    let accepted = RequestSubset(of: batch.index, in: batch.bytes) { _ in true }
    return try accepted.bytes.withUnsafeBytes { try rewriter.rewritten($0, batch.signal) }
  }
}
