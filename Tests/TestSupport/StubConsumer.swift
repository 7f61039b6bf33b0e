import Locks
package import OTLP
package import Pipeline

/// A pipeline's entry as a test plays it: takes requests at once, refuses them, or answers when it is told to.
package final class StubConsumer: TracesConsumer {
  package enum Behaviour: Sendable {
    case accept
    case refuse(Refusal)
    /// Puts the request into `pending`.
    case wait
  }

  /// A request whose sender waits.
  package struct Pending: Sendable {
    package let batch: SpanBatch
    package let answer: @Sendable (Refusal?) -> Void
  }

  /// The `Span` messages of each request.
  package let requests = Collected<[[UInt8]]>()
  /// Where each request came from.
  package let origins = Collected<RequestOrigin?>()
  package let pending = Collected<Pending>()
  private let state: Locked<(behaviour: Behaviour, refusal: Refusal?)>

  package init(_ behaviour: Behaviour = .accept, refusal: Refusal? = nil) {
    state = Locked((behaviour, refusal))
  }

  package var refusal: Refusal? { state.withLock { $0.refusal } }

  package func consume(_ batch: SpanBatch, completion: @escaping @Sendable (Refusal?) -> Void) {
    origins.append(batch.origin)
    requests.append(
      (0..<batch.spanCount).map { position in
        let span = batch.index.spans[position]
        return Array(UnsafeRawBufferPointer(start: batch.payload(of: span), count: Int(span.length)))
      })
    switch state.withLock({ $0.behaviour }) {
    case .accept: completion(nil)
    case .refuse(let refusal): completion(refusal)
    case .wait: pending.append(Pending(batch: batch, answer: completion))
    }
  }

  /// Changes what becomes of the requests to come, and what is said before their bodies.
  package func set(_ behaviour: Behaviour, refusal: Refusal? = nil) {
    state.withLock { $0 = (behaviour, refusal) }
  }

  /// All spans so far, in the order in which they came.
  package var spans: [DecodedSpan] { requests.all.flatMap { $0.map { DecodedSpan($0) } } }
}
