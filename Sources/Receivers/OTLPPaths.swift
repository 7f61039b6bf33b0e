import OTLP

/// Which signal is sent to which path.
struct OTLPPaths: Sendable {
  /// Where Langfuse's SDKs send their traces: below the address that they are given, and nowhere else.
  static let langfuse = "/api/public/otel/v1/traces"

  private let signals: [String: Signal]

  init(_ configuration: OTLPReceiver.Configuration) {
    var signals = [Self.langfuse: Signal.traces]
    signals[configuration.metricsURLPath] = .metrics
    signals[configuration.logsURLPath] = .logs
    for path in configuration.extraTracesPaths { signals[path] = .traces }
    signals[configuration.tracesURLPath] = .traces
    self.signals = signals
  }

  /// nil where nothing is served.
  func signal(of path: String) -> Signal? { signals[path] }
}
