import OTLP

/// What is sent to which path.
struct OTLPPaths: Sendable {
  /// What a path is for.
  enum Service: Hashable {
    case export(Signal)
    case scores
  }

  /// Where Langfuse's SDKs send their traces: below the address that they are given, and nowhere else.
  static let langfuse = "/api/public/otel/v1/traces"

  /// Where those of its SDKs post scores that send batches of events: likewise.
  private static let ingestion = "/api/public/ingestion"

  private let services: [String: Service]

  init(_ configuration: OTLPReceiver.Configuration) {
    var services = [Self.langfuse: Service.export(.traces)]
    if let path = configuration.scoresURLPath {
      services[Self.ingestion] = .scores
      services[path] = .scores
    }
    services[configuration.metricsURLPath] = .export(.metrics)
    services[configuration.logsURLPath] = .export(.logs)
    for path in configuration.extraTracesPaths { services[path] = .export(.traces) }
    services[configuration.tracesURLPath] = .export(.traces)
    self.services = services
  }

  /// nil where nothing is served.
  func service(of path: String) -> Service? { services[path] }
}
