package import HTTPServer
package import OTLP
package import SelfTelemetry
package import TLS

/// The HTTP side of the `otlp` receiver: OTLP/HTTP, in protobuf and in JSON.
package final class OTLPReceiver: OTLPListener {
  /// The receiver's keys under `protocols: http:`.
  package struct Configuration: Sendable, Equatable {
    package var host = "127.0.0.1"
    package var port: UInt16 = 4318
    /// A Unix socket to listen on in place of a port.
    package var socketPath: String?
    /// Nil for plain HTTP.
    package var tls: TLSServerConfiguration?
    /// Bytes of a request's body, as it comes and inflated.
    package var maxRequestBodySize = 64 << 20
    /// MiB of bodies under way, of all connections together, from which on requests are refused.
    package var maxBufferedMiB = 512
    package var tracesURLPath = "/v1/traces"
    package var logsURLPath = "/v1/logs"
    package var metricsURLPath = "/v1/metrics"
    /// Nil for no scores.
    package var scoresURLPath: String? = "/api/public/scores"
    /// Bytes of a body of scores, as it comes and inflated; not more than other bodies may have.
    package var maxScoresBodySize = 5 << 20
    /// Further paths that traces are sent to.
    package var extraTracesPaths: [String] = []
    package var admission = Admission()
    /// Which web pages may send.
    package var cors = CORSConfiguration()
    /// How bodies may be compressed.
    package var compressionAlgorithms = ContentCoding.allCases
    /// Bytes of a request line and its headers.
    package var maxRequestHeadersSize = 16 << 10
    /// How long it waits for its clients; zero for ever.
    package var timeouts = HTTPTimeouts()
    package var maxConnections = 10_000
    /// Whether connections go on after a reply.
    package var keepsAlive = true
    /// Headers that every reply gets.
    package var responseHeaders: [HTTPHeaderField] = []

    package init() {}
  }

  package let transport = "http"
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
  ///   - certificate: of `configuration.tls`.
  ///   - interner: shared by all receivers of the collector.
  ///   - intake: where its requests go.
  ///   - registry: where it counts.
  /// - Throws: when nobody can listen there.
  package init(
    id: String, configuration: Configuration, certificate: ServerCertificate? = nil, interner: ScopeInterner,
    intake: Intake = Intake(), registry: MetricRegistry
  ) throws(HTTPServerError) {
    precondition((certificate == nil) == (configuration.tls == nil), "the certificate is that of the configuration")
    self.intake = intake
    self.id = id
    self.registry = registry
    let handler = OTLPHTTPHandler(
      configuration, interner: interner, intake: intake, doorkeeper: doorkeeper,
      metrics: ReceiverMetrics(registry: registry, receiver: id, transport: transport))
    server = try HTTPServer(
      configuration: HTTPServerConfiguration(
        host: configuration.host, port: configuration.port, socketPath: configuration.socketPath,
        maxConnections: configuration.maxConnections, timeouts: configuration.timeouts,
        maxBodyBytes: configuration.maxBufferedMiB << 20, maxHeaderBytes: configuration.maxRequestHeadersSize,
        keepsAlive: configuration.keepsAlive, responseHeaders: configuration.responseHeaders, certificate: certificate),
      handler: handler)
  }

  /// Where it listens, the real port included.
  package var address: String { server.address }
  package var port: UInt16 { server.port }

  /// Takes connections from now on.
  package func start() throws(HTTPServerError) {
    registry.gauge(
      "heirloom_receiver_connections", help: "Open connections of a receiver.",
      labels: [("receiver", id), ("transport", transport)]
    ) { [weak server] in Double(server?.statistics.openConnections ?? 0) }
    try server.start()
  }

  /// Takes no new connections; requests on the open ones are still answered.
  package func stopAccepting() { server.stopAccepting() }

  /// Waits for requests under way, for a bounded time, and closes everything.
  package func stop(timeout: Duration) { server.stop(timeout: timeout) }
}
