import HTTPServer
import OTLP
import SelfTelemetry

/// What a receiver counts, under the OpenTelemetry Collector's names.
struct ReceiverMetrics: Sendable {
  /// Items taken, by signal.
  let accepted: [Signal: Counter]
  /// Refused: the pipeline had no room, or the item could not be used.
  let refused: [Signal: Counter]
  /// Scores that were posted, by what became of them.
  let acceptedScores: Counter
  let refusedScores: Counter
  let refusedRequests: Counter
  let requests: Counter
  /// Connections that the server ended by itself.
  let closedConnections: [HTTPEnding: Counter]

  /// Counts from now on; `endings` are the reasons for which the server ends connections, `takesScores` says whether scores
  /// can be posted to it.
  init(
    registry: MetricRegistry, receiver: String, transport: String, endings: [HTTPEnding] = HTTPEnding.allCases,
    takesScores: Bool = true
  ) {
    let labels: MetricRegistry.Labels = [("receiver", receiver), ("transport", transport)]
    func counters(_ outcome: String, _ help: String) -> [Signal: Counter] {
      let counters = Signal.allCases.map { signal in
        let counter = registry.counter(
          "otelcol_receiver_\(outcome)_\(signal.itemsKey)", help: signal.itemsName.capitalizedFirst + help,
          labels: labels)
        return (signal, counter)
      }
      return Dictionary(uniqueKeysWithValues: counters)
    }
    accepted = counters("accepted", " taken into the pipeline.")
    refused = counters("refused", " that were not taken into the pipeline.")
    func scores(_ outcome: String, _ help: String) -> Counter {
      guard takesScores else { return Counter() }
      return registry.counter("heirloom_receiver_\(outcome)_scores", help: help, labels: labels)
    }
    acceptedScores = scores("accepted", "Posted scores that the ledger has.")
    refusedScores = scores("refused", "Posted scores that were not taken.")
    refusedRequests = registry.counter(
      "heirloom_receiver_refused_requests", help: "Requests answered with an error.", labels: labels)
    requests = registry.counter(
      "otelcol_receiver_requests", help: "Requests whose headers were read.", labels: labels)
    let closed = endings.map { reason in
      let counter = registry.counter(
        "heirloom_receiver_closed_connections", help: "Connections ended because a limit was reached.",
        labels: labels + [("reason", reason.key)])
      return (reason, counter)
    }
    closedConnections = Dictionary(uniqueKeysWithValues: closed)
  }
}

extension String {
  fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
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
    case .handshake: "tls"
    }
  }
}
