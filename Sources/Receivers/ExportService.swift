import OTLP
import Pipeline
import SelfTelemetry

/// OTLP's export services, behind whatever protocol brings their requests: the thread that has read a request's message
/// indexes it and hands it to the pipelines.
final class ExportService: Sendable {
  /// The bytes of a request's message, which stay as they are while their owner lives.
  struct Message: @unchecked Sendable {
    // Sendable: nobody writes to the bytes any more.
    let bytes: UnsafeRawBufferPointer
    let owner: AnyObject
  }

  /// What the sender is to hear.
  enum Answer: Equatable {
    /// Everything was taken but so many items, which are of no use to anybody; with a reason if there are any.
    case taken(rejected: Int, message: String)
    /// The bytes are no such request. It makes no sense to send them again.
    case malformed(String)
    /// Nothing was taken now.
    case refused(Refusal)
    /// No pipeline takes this signal from this receiver.
    case unserved

    /// The usual one.
    static let complete = Answer.taken(rejected: 0, message: "")
  }

  let indexes = ReusePool { SpanIndex() }
  private let interner: ScopeInterner
  private let intake: Intake
  private let metrics: ReceiverMetrics

  init(interner: ScopeInterner, intake: Intake, metrics: ReceiverMetrics) {
    self.interner = interner
    self.intake = intake
    self.metrics = metrics
  }

  /// What would become of a request of that signal now, as far as it is known before its message has come: nil when it
  /// would be looked at.
  func objection(to signal: Signal) -> Answer? { intake.objection(to: signal) }

  /// Takes a request.
  ///
  /// - Parameters:
  ///   - message: of the request, inflated.
  ///   - signal: what the request carries.
  ///   - origin: what is known of it beside its bytes.
  ///   - reply: called once, perhaps later and from another thread.
  func export(
    _ message: Message, _ signal: Signal, from origin: RequestOrigin? = nil, reply: @escaping @Sendable (Answer) -> Void
  ) {
    intake.pass { [self] passage in
      switch passage {
      case .success(let target): accept(message, signal, from: origin, into: target, reply: reply)
      case .failure(let refusal): answer(.refused(refusal), reply)
      }
    }
  }

  private func accept(
    _ message: Message, _ signal: Signal, from origin: RequestOrigin?, into target: Intake.Target,
    reply: @escaping @Sendable (Answer) -> Void
  ) {
    guard let consumer = target.consumers[signal] else { return answer(.unserved, reply) }
    let index = indexes.take()
    let size = message.bytes.count
    do {
      try index.fill(from: message.bytes, signal: signal, rules: target.rules)
    } catch {
      indexes.give(index, requestBytes: size)
      return answer(.malformed("no \(signal.requestName): \(error)"), reply)
    }
    metrics.refused[signal]?.add(index.rejectedCount)
    let success = Answer(leftOutOf: index)
    guard index.spanCount > 0 else {
      indexes.give(index, requestBytes: size)
      return reply(success)
    }
    let items = index.itemCount
    // Asked again: others may have filled what was empty when the request began. Nothing has been taken yet.
    if let refusal = consumer.refusal {
      indexes.give(index, requestBytes: size)
      metrics.refused[signal]?.add(items)
      return answer(.refused(refusal), reply)
    }
    // The batch keeps the owner, and with it the bytes that it points to.
    let batch = SpanBatch(bytes: message.bytes, index: index, interner: interner, origin: origin) { [indexes] index in
      withExtendedLifetime(message.owner) {}
      indexes.give(index, requestBytes: size)
    }
    consumer.consume(batch) { [self] refusal in
      if let refusal {
        metrics.refused[signal]?.add(items)
        answer(.refused(refusal), reply)
      } else {
        metrics.accepted[signal]?.add(items)
        reply(success)
      }
    }
  }

  private func answer(_ answer: Answer, _ reply: (Answer) -> Void) {
    metrics.refusedRequests.add()
    reply(answer)
  }
}

extension ExportService.Answer {
  /// Of a request that was taken, but for what its index left out.
  fileprivate init(leftOutOf index: SpanIndex) {
    let reasons = RejectionReason.allCases.filter { index.rejected($0) > 0 }
    guard !reasons.isEmpty else {
      self = .complete
      return
    }
    let message = reasons.map { "\(index.rejected($0)) × \($0.description)" }.joined(separator: "; ")
    self = .taken(rejected: index.rejectedCount, message: "\(index.signal.itemsName) left out: \(message)")
  }
}
