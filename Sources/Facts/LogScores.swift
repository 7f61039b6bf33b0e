package import OTLP

/// Finds scores among log records.
package struct LogScores: Sendable {
  private let nameKey: UInt16

  /// - Parameter rules: what receivers index by; the key that tells a score from other records is registered there.
  package init(rules: SpanRules) {
    nameKey = rules.number(forKey: EvaluationResult.nameKey)
  }

  /// Whether the record at a position of the batch may be a score.
  @inline(__always)
  package func isCandidate(_ batch: SpanBatch, at position: Int) -> Bool {
    let record = batch.index.spans[position]
    let first = Int(record.attribute)
    return (first..<first + Int(record.attributeCount)).contains { batch.index.attributes[$0].key == nameKey }
  }

  /// The score that the record at a position of the batch is; nil for all others. `now`, in nanoseconds since the Unix epoch, is
  /// in the place of times that the record has not.
  package func score(_ batch: SpanBatch, at position: Int, now: UInt64) -> Score? {
    guard isCandidate(batch, at: position) else { return nil }
    let record = batch.index.spans[position]
    let payload = UnsafeRawBufferPointer(start: batch.payload(of: record), count: Int(record.length))
    return EvaluationResult.score(ofLog: payload, record, now: now)
  }
}
