import Locks
package import OTLP

/// Why a request is not taken now; the sender keeps it and tries again.
package struct Refusal: Error, Sendable, Equatable {
  /// For the person who runs the sender.
  package let message: String
  /// Whole seconds after which another try makes sense.
  package let retryAfter: Int

  package init(message: String, retryAfter: Int) {
    self.message = message
    self.retryAfter = retryAfter
  }
}

/// What takes the requests of one signal from a receiver.
package protocol TracesConsumer: AnyObject, Sendable {
  /// Asked before a request's body is read: why none is taken at the moment, or nil.
  var refusal: Refusal? { get }

  /// Takes a request. The batch may be read until `completion` is called, which happens exactly once, perhaps later and
  /// from another thread: with nil when every span is safe with the consumer, else with the reason to tell the sender.
  func consume(_ batch: SpanBatch, completion: @escaping @Sendable (Refusal?) -> Void)
}

/// Hands every request to several pipelines. It is safe when each of them has it.
package final class TracesFanOut: TracesConsumer {
  private let consumers: [any TracesConsumer]

  package init(_ consumers: [any TracesConsumer]) {
    self.consumers = consumers
  }

  package var refusal: Refusal? {
    for consumer in consumers {
      if let refusal = consumer.refusal { return refusal }
    }
    return nil
  }

  package func consume(_ batch: SpanBatch, completion: @escaping @Sendable (Refusal?) -> Void) {
    guard consumers.count > 1 else {
      consumers[0].consume(batch, completion: completion)
      return
    }
    let answers = Locked<(missing: Int, refusal: Refusal?)>((consumers.count, nil))
    for consumer in consumers {
      consumer.consume(batch) { refusal in
        let (last, worst) = answers.withLock { answers in
          answers.missing -= 1
          answers.refusal = answers.refusal ?? refusal
          return (answers.missing == 0, answers.refusal)
        }
        if last { completion(worst) }
      }
    }
  }
}
