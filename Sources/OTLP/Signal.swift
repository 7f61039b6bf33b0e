/// What an OTLP request carries. Each signal has a request and a response message of its own.
package enum Signal: Sendable, Hashable, CaseIterable {
  case traces, logs, metrics
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
