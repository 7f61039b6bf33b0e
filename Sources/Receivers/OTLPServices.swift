import OTLP

/// The services of OTLP/gRPC.
enum OTLPServices {
  /// Their full names.
  static let names = Signal.allCases.map(name)

  private static let signals = Dictionary(uniqueKeysWithValues: Signal.allCases.map { ("/\(name(of: $0))/Export", $0) })

  /// What a method is sent; nil for methods that are nobody's.
  static func signal(of method: String) -> Signal? { signals[method] }

  private static func name(of signal: Signal) -> String {
    switch signal {
    case .traces: "opentelemetry.proto.collector.trace.v1.TraceService"
    case .logs: "opentelemetry.proto.collector.logs.v1.LogsService"
    case .metrics: "opentelemetry.proto.collector.metrics.v1.MetricsService"
    }
  }
}
