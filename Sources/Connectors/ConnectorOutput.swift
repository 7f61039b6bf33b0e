import Locks
package import OTLP
package import Pipeline
package import SelfTelemetry

/// Where a connector hands requests of one signal on: the pipelines that name it as their receiver.
package final class ConnectorOutput: Sendable {
  private let signal: Signal
  private let consumer: any TracesConsumer
  private let rules: SpanRules
  private let interner: ScopeInterner
  private let produced: Counter
  private let refused: Counter

  /// - Parameters:
  ///   - signal: of the pipelines.
  ///   - consumer: takes the requests.
  ///   - rules: what receivers index by.
  ///   - interner: the receivers'.
  ///   - connector: the connector's id.
  ///   - registry: where it counts.
  package init(
    _ signal: Signal, to consumer: any TracesConsumer, rules: SpanRules, interner: ScopeInterner, connector: String,
    registry: MetricRegistry
  ) {
    self.signal = signal
    self.consumer = consumer
    self.rules = rules
    self.interner = interner
    let labels: MetricRegistry.Labels = [("connector", connector), ("data_type", signal.name)]
    produced = registry.counter(
      "otelcol_connector_produced_items", help: "Log records or data points that pipelines took from a connector.",
      labels: labels)
    refused = registry.counter(
      "heirloom_connector_refused_requests",
      help: "Requests of a connector that its pipelines refused; what they said is said later, as it is then.",
      labels: labels)
  }

  /// Hands a request on, and waits until it is safe.
  ///
  /// - Parameter request: protobuf, of the output's signal.
  /// - Returns: why it was not taken; nil when it was.
  func hand(_ request: [UInt8]) -> Refusal? {
    let refusal = consumer.refusal ?? consume(request)
    if refusal != nil { refused.add() }
    return refusal
  }

  private func consume(_ request: [UInt8]) -> Refusal? {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: request.count, alignment: 8)
    memory.copyBytes(from: request)
    let bytes = UnsafeRawBufferPointer(memory)
    let index = SpanIndex()
    do {
      try index.fill(from: bytes, signal: signal, rules: rules)
    } catch {
      preconditionFailure("a connector has written no \(signal.requestName): \(error)")
    }
    let items = index.itemCount
    let answer = Answer()
    consumer.consume(SpanBatch(bytes: bytes, index: index, interner: interner) { _ in bytes.deallocate() }) {
      answer.give($0)
    }
    let refusal = answer.wait()
    if refusal == nil { produced.add(items) }
    return refusal
  }

  /// Waits for what the pipelines say, perhaps on another thread.
  private final class Answer: Sendable {
    private let lock = Lock()
    private nonisolated(unsafe) var answer: Refusal??

    func give(_ refusal: Refusal?) {
      lock.withLock {
        answer = .some(refusal)
        lock.wakeAll()
      }
    }

    func wait() -> Refusal? {
      lock.withLock {
        while true {
          if let answer { return answer }
          lock.wait()
        }
      }
    }
  }
}
