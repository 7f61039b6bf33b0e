package import SelfTelemetry

/// The counters that every exporter keeps, under the Collector's names. Of the spans offered to an exporter, each ends
/// in exactly one of them, or is still held.
package final class ExporterMetrics: Sendable {
  /// Spans that the destination took.
  package let sent: Counter
  /// Spans given up after they had been accepted.
  package let sendFailed: Counter
  /// Those of them that were written to the dead letters.
  package let deadLettered: Counter
  /// Spans refused because the queue was full.
  package let enqueueFailed: Counter
  /// Spans of accepted requests that the destination said it left out.
  package let rejected: Counter

  private let registry: MetricRegistry
  private let labels: MetricRegistry.Labels

  /// Counters labelled `exporter=<id>`.
  package init(exporter id: String, registry: MetricRegistry) {
    self.registry = registry
    labels = [("exporter", id)]
    func counter(_ name: String, _ help: String) -> Counter {
      registry.counter(name, help: help, labels: [("exporter", id)])
    }
    sent = counter("otelcol_exporter_sent_spans", "Spans brought to the destination.")
    sendFailed = counter("otelcol_exporter_send_failed_spans", "Spans that could not be brought to the destination.")
    deadLettered = counter(
      "heirloom_exporter_dead_letter_spans", "Spans that the destination refused, written to the dead letters.")
    enqueueFailed = counter("otelcol_exporter_enqueue_failed_spans", "Spans refused because the queue was full.")
    rejected = counter("heirloom_exporter_rejected_spans", "Spans that the destination left out of a request it took.")
  }

  /// Shows a queue's state.
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
