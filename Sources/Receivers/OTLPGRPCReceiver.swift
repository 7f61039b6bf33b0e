package import GRPCServer
import HTTPServer
package import OTLP
package import SelfTelemetry

/// The gRPC side of the `otlp` receiver.
package final class OTLPGRPCReceiver: OTLPListener {
  /// The receiver's keys under `protocols: grpc:`.
  package typealias Configuration = GRPCServerConfiguration

  package let transport = "grpc"
  package let doorkeeper = Doorkeeper()
  private let server: GRPCServer
  private let id: String
  private let registry: MetricRegistry

  /// Listens on the address, without taking connections yet.
  ///
  /// - Parameters:
  ///   - id: the component's id.
  ///   - configuration: its keys.
  ///   - interner: shared by all receivers of the collector.
  ///   - intake: where its requests go. Nothing is taken before it is opened.
  ///   - registry: where it counts.
  /// - Throws: when nobody can listen there, or when TLS lacks what it needs.
  package init(
    id: String, configuration: Configuration, interner: ScopeInterner, intake: Intake, registry: MetricRegistry
  ) throws(GRPCServerError) {
    self.id = id
    self.registry = registry
    let handler = OTLPGRPCHandler(
      configuration, interner: interner, intake: intake, doorkeeper: doorkeeper,
      metrics: ReceiverMetrics(
        registry: registry, receiver: id, transport: transport, endings: [.maxConnections],
        takesScores: false))
    server = try GRPCServer(configuration: configuration, services: OTLPServices.names, handler: handler)
  }

  package var address: String { server.address }
  package var port: UInt16 { server.port }

  package func start() {
    registry.gauge(
      "heirloom_receiver_connections", help: "Open connections of a receiver.",
      labels: [("receiver", id), ("transport", transport)]
    ) { [weak server] in Double(server?.statistics.openConnections ?? 0) }
    server.start()
  }

  package func stopAccepting() { server.stopAccepting() }

  package func stop(timeout: Duration) { server.stop(timeout: timeout) }
}
