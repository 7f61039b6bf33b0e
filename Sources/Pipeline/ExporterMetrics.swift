package import OTLP
package import SelfTelemetry

/// The counters that every exporter keeps for a signal, under the Collector's names. Of the items (spans, log records, data
/// points) offered to an exporter, each ends in exactly one of them, or is still held.
package final class ExporterMetrics: Sendable {
  /// Items that the destination took.
  package let sent: Counter
  /// Items given up after they had been accepted.
  package let sendFailed: Counter
  /// Those of them that were written to the dead letters.
  package let deadLettered: Counter
  /// Items refused because the queue was full.
  package let enqueueFailed: Counter
  /// Items of accepted requests that the destination said it left out.
  package let rejected: Counter

  private let registry: MetricRegistry
  private let labels: MetricRegistry.Labels

  /// Counters of one signal, labelled `exporter=<id>`.
  ///
  /// - Parameters:
  ///   - id: of the exporter.
  ///   - signal: what is counted.
  ///   - registry: where.
  ///   - sharesQueue: whether the exporter has one queue for all signals, not one for each.
  package init(exporter id: String, signal: Signal = .traces, registry: MetricRegistry, sharesQueue: Bool = false) {
    self.registry = registry
    labels = (sharesQueue ? [] : [("data_type", signal.name)]) + [("exporter", id)]
    let items = signal.itemsName.prefix(1).uppercased() + signal.itemsName.dropFirst()
    func counter(_ name: String, _ help: String) -> Counter {
      registry.counter("\(name)_\(signal.itemsKey)", help: items + help, labels: [("exporter", id)])
    }
    sent = counter("otelcol_exporter_sent", " brought to the destination.")
    sendFailed = counter("otelcol_exporter_send_failed", " that could not be brought to the destination.")
    deadLettered = counter(
      "heirloom_exporter_dead_letter", " that the destination refused, written to the dead letters.")
    enqueueFailed = counter("otelcol_exporter_enqueue_failed", " refused because the queue was full.")
    rejected = counter("heirloom_exporter_rejected", " that the destination left out of a request it took.")
  }

  /// Counters of an exporter that takes several signals into one queue, by signal.
  package static func shared(
    exporter id: String, signals: Set<Signal>, registry: MetricRegistry
  ) -> [Signal: ExporterMetrics] {
    Dictionary(
      uniqueKeysWithValues: signals.map {
        ($0, ExporterMetrics(exporter: id, signal: $0, registry: registry, sharesQueue: true))
      })
  }

  /// Shows the queue's state.
  ///
  /// - Parameters:
  ///   - capacity: what the queue can hold, in its sizer's unit; nil for no bound.
  ///   - size: what it holds; called when somebody reads the metrics.
  package func observeQueue(capacity: Int?, size: @escaping @Sendable () -> Int) {
    gauge("otelcol_exporter_queue_size", "What the queue holds, in its sizer's unit.", size)
    if let capacity { gauge("otelcol_exporter_queue_capacity", "What the queue can hold.") { capacity } }
  }

  /// Shows how many requests are under way, called when somebody reads the metrics.
  package func observeInFlight(_ count: @escaping @Sendable () -> Int) {
    gauge("otelcol_exporter_in_flight_requests", "Requests under way.", count)
  }

  private func gauge(_ name: String, _ help: String, _ read: @escaping @Sendable () -> Int) {
    registry.gauge(name, help: help, labels: labels) { Double(read()) }
  }
}
