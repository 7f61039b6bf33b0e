import COTLP

/// What an OTLP request carries. Each signal has a request and a response message of its own.
package enum Signal: Sendable, Hashable, CaseIterable {
  case traces, logs, metrics

  /// The request's message, for people.
  package var requestName: String {
    switch self {
    case .traces: "ExportTraceServiceRequest"
    case .logs: "ExportLogsServiceRequest"
    case .metrics: "ExportMetricsServiceRequest"
    }
  }

  /// What is counted of it, for people.
  package var itemsName: String {
    switch self {
    case .traces: "spans"
    case .logs: "log records"
    case .metrics: "data points"
    }
  }

  /// The same in the names of metrics and in JSON, as the OpenTelemetry Collector has it.
  package var itemsKey: String {
    switch self {
    case .traces: "spans"
    case .logs: "log_records"
    case .metrics: "metric_points"
    }
  }

  /// The signal, as configurations and paths name it.
  package var name: String {
    switch self {
    case .traces: "traces"
    case .logs: "logs"
    case .metrics: "metrics"
    }
  }

  var code: cotlp_signal {
    switch self {
    case .traces: COTLP_TRACES
    case .logs: COTLP_LOGS
    case .metrics: COTLP_METRICS
    }
  }
}

/// The OTLP messages that Heirloom reads or writes as a whole.
package enum OTLPMessage: Sendable, Hashable {
  /// `ExportTraceServiceRequest` and its like.
  case request(Signal)
  /// `ExportTraceServiceResponse` and its like.
  case response(Signal)
  /// `google.rpc.Status`, the body of a refusal.
  case status
}
