package import HTTPServer
package import OTLP
package import Pipeline
package import SelfTelemetry

/// The `otlp` receiver: OTLP/HTTP with protobuf bodies.
package final class OTLPReceiver: Sendable {
  /// The receiver's keys under `protocols: http:`.
  package struct Configuration: Sendable {
    package var host = "127.0.0.1"
    package var port: UInt16 = 4318
    /// Bytes of a request's body, as it comes and inflated.
    package var maxRequestBodySize = 64 << 20
    /// MiB of bodies under way, of all connections together, from which on requests are refused.
    package var maxBufferedMiB = 512
    package var tracesURLPath = "/v1/traces"
    /// Bytes of a request line and its headers.
    package var maxRequestHeadersSize = 16 << 10
    /// How long it waits for its clients; zero for ever.
    package var timeouts = HTTPTimeouts()
    package var maxConnections = 10_000

    package init() {}
  }

  private let server: HTTPServer

  /// Listens on the address, without taking connections yet.
  ///
  /// - Parameters:
  ///   - id: the component's id.
  ///   - configuration: its keys.
  ///   - rules: what indexes look for.
  ///   - interner: shared by all receivers of the collector.
  ///   - consumer: takes the requests.
  ///   - registry: where it counts.
  /// - Throws: when nobody can listen there.
  package init(
    id: String, configuration: Configuration, rules: SpanRules, interner: ScopeInterner,
    consumer: any TracesConsumer, registry: MetricRegistry
  ) throws(HTTPServerError) {
    let handler = OTLPHTTPHandler(
      configuration, rules: rules, interner: interner, consumer: consumer,
      metrics: ReceiverMetrics(registry: registry, receiver: id, transport: "http"))
    server = try HTTPServer(
      configuration: HTTPServerConfiguration(
        host: configuration.host, port: configuration.port, maxConnections: configuration.maxConnections,
        timeouts: configuration.timeouts, maxBodyBytes: configuration.maxBufferedMiB << 20,
        maxHeaderBytes: configuration.maxRequestHeadersSize),
      handler: handler)
    registry.gauge(
      "heirloom_receiver_connections", help: "Open connections of a receiver.", labels: [("receiver", id)]
    ) { [weak server] in Double(server?.statistics.openConnections ?? 0) }
  }

  /// Where it listens, the real port included.
  package var address: String { server.address }
  package var port: UInt16 { server.port }

  package func start() throws(HTTPServerError) { try server.start() }

  /// Takes no new connections; requests on the open ones are still answered.
  package func stopAccepting() { server.stopAccepting() }

  /// Waits for requests under way, for a bounded time, and closes everything.
  package func stop(timeout: Duration) { server.stop(timeout: timeout) }
}
