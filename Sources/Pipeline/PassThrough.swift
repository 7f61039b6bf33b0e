import Locks
package import OTLP
import Spool

/// A pipeline without identity: every span (log record, metric) goes on as it came, if the pipeline's filters let it.
package final class PassThrough: TracesConsumer {
  private let output: Batcher
  private let makeSieve: SpanSieveFactory?
  private let sieves = Locked<[Sieve]>([])

  private struct Sieve: @unchecked Sendable {
    // Sendable: one thread has it at a time.
    let sieve: any SpanSieve
  }

  /// - Parameters:
  ///   - output: where spans go.
  ///   - makeSieve: says which spans go there; nil for all.
  package init(output: Batcher, makeSieve: SpanSieveFactory? = nil) {
    self.output = output
    self.makeSieve = makeSieve
  }

  package var refusal: Refusal? { output.refusal }

  package func consume(_ batch: SpanBatch, completion: @escaping @Sendable (Refusal?) -> Void) {
    if let makeSieve {
      let sieve = sieves.withLock { $0.popLast() } ?? Sieve(sieve: makeSieve())
      write(batch) { position in
        sieve.sieve.begin(
          trace: batch.index.spans[position].traceID, inherited: UnsafeRawBufferPointer(start: nil, count: 0))
        return sieve.sieve.keeps(SievedSpan(batch, at: position))
      }
      sieves.withLock { $0.append(sieve) }
    } else {
      write(batch) { _ in true }
    }
    completion(nil)
  }

  @inline(__always)
  private func write(_ batch: SpanBatch, where keeps: (Int) -> Bool) {
    let spans = batch.index.spans
    let nothing = UnsafeBufferPointer<Cut>(start: nil, count: 0)
    let record = batch.record.map(Unmanaged.passUnretained)
    output.write { writer in
      for position in 0..<batch.spanCount {
        let unit = batch.unit(of: position)
        if batch.isReplay, batch.record?.isDone(Int(unit)) == true { continue }
        guard keeps(position) else {
          batch.record?.markDone(Int(unit), count: 1)
          continue
        }
        let span = spans[position]
        writer.append(
          span: batch.payload(of: span), length: Int(span.length),
          scope: .passUnretained(batch.scopes[Int(span.scope)]), cuts: nothing,
          suffix: UnsafeRawBufferPointer(start: nil, count: 0), record: record, unit: unit,
          items: batch.index.itemCount(of: span))
      }
    }
  }
}

extension SievedSpan {
  fileprivate init(_ batch: SpanBatch, at position: Int) {
    let span = batch.index.spans[position]
    self.init(
      payload: UnsafeRawBufferPointer(start: batch.payload(of: span), count: Int(span.length)),
      spanID: span.spanID, parentID: span.parentID, start: span.start, marks: span.marks,
      scope: .passUnretained(batch.scopes[Int(span.scope)]))
  }
}
