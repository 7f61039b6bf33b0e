package import OTLP
import Spool

/// A pipeline without identity: every span goes on as it came.
package final class PassThrough: TracesConsumer {
  private let output: Batcher

  package init(output: Batcher) {
    self.output = output
  }

  package var refusal: Refusal? { output.refusal }

  package func consume(_ batch: SpanBatch, completion: @escaping @Sendable (Refusal?) -> Void) {
    let spans = batch.index.spans
    let nothing = UnsafeBufferPointer<Cut>(start: nil, count: 0)
    let record = batch.record.map(Unmanaged.passUnretained)
    output.write { writer in
      for position in 0..<batch.spanCount {
        let unit = batch.unit(of: position)
        if batch.isReplay, batch.record?.isDone(Int(unit)) == true { continue }
        let span = spans[position]
        writer.append(
          span: batch.payload(of: span), length: Int(span.length),
          scope: .passUnretained(batch.scopes[Int(span.scope)]), cuts: nothing,
          suffix: UnsafeRawBufferPointer(start: nil, count: 0), record: record, unit: unit)
      }
    }
    completion(nil)
  }
}
