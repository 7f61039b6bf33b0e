package import HTTPServer
package import OTLP
package import SelfTelemetry

/// The `otlp` receiver: OTLP/HTTP with protobuf bodies.
package final class OTLPReceiver: Sendable {
  /// The receiver's keys under `protocols: http:`.
  package struct Configuration: Sendable, Equatable {
    package var host = "127.0.0.1"
    package var port: UInt16 = 4318
    /// Bytes of a request's body, as it comes and inflated.
    package var maxRequestBodySize = 64 << 20
    /// MiB of bodies under way, of all connections together, from which on requests are refused.
    package var maxBufferedMiB = 512
    package var tracesURLPath = "/v1/traces"
    /// Further paths that traces are sent to.
    package var extraTracesPaths: [String] = []
    /// The ids of those who know its senders; with several, one that does is enough. Empty: everybody may send.
    package var authenticators: [String] = []
    /// Whether components behind it may ask for a request's headers.
    package var includeMetadata = false
    /// Which web pages may send.
    package var cors = CORSConfiguration()
    /// How bodies may be compressed.
    package var compressionAlgorithms = ContentCoding.allCases
    /// Bytes of a request line and its headers.
    package var maxRequestHeadersSize = 16 << 10
    /// How long it waits for its clients; zero for ever.
    package var timeouts = HTTPTimeouts()
    package var maxConnections = 10_000

    package init() {}
  }

  /// Where its requests go. Nothing is taken before it is opened.
  package let intake: Intake
  /// Who lets them in. It has to be told whom before the receiver starts.
  package let doorkeeper = Doorkeeper()
  private let server: HTTPServer
  private let id: String
  private let registry: MetricRegistry

  /// Listens on the address, without taking connections yet.
  ///
  /// - Parameters:
  ///   - id: the component's id.
  ///   - configuration: its keys.
  ///   - interner: shared by all receivers of the collector.
  ///   - intake: where its requests go.
  ///   - registry: where it counts.
  /// - Throws: when nobody can listen there.
  package init(
    id: String, configuration: Configuration, interner: ScopeInterner, intake: Intake = Intake(),
    registry: MetricRegistry
  ) throws(HTTPServerError) {
    self.intake = intake
    self.id = id
    self.registry = registry
    let handler = OTLPHTTPHandler(
      configuration, interner: interner, intake: intake, doorkeeper: doorkeeper,
      metrics: ReceiverMetrics(registry: registry, receiver: id, transport: "http"))
    server = try HTTPServer(
      configuration: HTTPServerConfiguration(
        host: configuration.host, port: configuration.port, maxConnections: configuration.maxConnections,
        timeouts: configuration.timeouts, maxBodyBytes: configuration.maxBufferedMiB << 20,
        maxHeaderBytes: configuration.maxRequestHeadersSize),
      handler: handler)
  }

  /// Where it listens, the real port included.
  package var address: String { server.address }
  package var port: UInt16 { server.port }

  /// Takes connections from now on.
  package func start() throws(HTTPServerError) {
    registry.gauge(
      "heirloom_receiver_connections", help: "Open connections of a receiver.", labels: [("receiver", id)]
    ) { [weak server] in Double(server?.statistics.openConnections ?? 0) }
    try server.start()
  }

  /// Takes no new connections; requests on the open ones are still answered.
  package func stopAccepting() { server.stopAccepting() }

  /// Waits for requests under way, for a bounded time, and closes everything.
  package func stop(timeout: Duration) { server.stop(timeout: timeout) }
}
