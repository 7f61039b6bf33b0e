import HTTPServer
import SelfTelemetry

/// What a receiver counts, under the OpenTelemetry Collector's names.
struct ReceiverMetrics: Sendable {
  let acceptedSpans: Counter
  /// Refused: the pipeline had no room, or the span could not be used.
  let refusedSpans: Counter
  let refusedRequests: Counter
  let requests: Counter
  /// Connections that the server ended by itself.
  let closedConnections: [HTTPEnding: Counter]

  init(registry: MetricRegistry, receiver: String, transport: String) {
    let labels: MetricRegistry.Labels = [("receiver", receiver), ("transport", transport)]
    acceptedSpans = registry.counter(
      "otelcol_receiver_accepted_spans", help: "Spans taken into the pipeline.", labels: labels)
    refusedSpans = registry.counter(
      "otelcol_receiver_refused_spans", help: "Spans that were not taken into the pipeline.", labels: labels)
    refusedRequests = registry.counter(
      "heirloom_receiver_refused_requests", help: "Requests answered with an error.", labels: labels)
    requests = registry.counter(
      "otelcol_receiver_requests", help: "Requests whose headers were read.", labels: labels)
    let closed = HTTPEnding.allCases.map { reason in
      let counter = registry.counter(
        "heirloom_receiver_closed_connections", help: "Connections ended because a limit was reached.",
        labels: labels + [("reason", reason.key)])
      return (reason, counter)
    }
    closedConnections = Dictionary(uniqueKeysWithValues: closed)
  }
}

extension HTTPEnding {
  /// The receiver's key that sets the limit.
  fileprivate var key: String {
    switch self {
    case .maxConnections: "max_connections"
    case .idle: "idle_timeout"
    case .readHeader: "read_header_timeout"
    case .read: "read_timeout"
    case .write: "write_timeout"
    case .endlessBody: "max_request_body_size"
    }
  }
}
