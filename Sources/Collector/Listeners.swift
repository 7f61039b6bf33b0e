import Configuration
import GRPCServer
import HTTPServer
import Locks
import OTLP
import Receivers
import SelfTelemetry

/// The sockets that a collector listens on. They outlive the pipelines behind them: one whose settings a new configuration
/// leaves alone keeps its connections.
final class Listeners {
  private struct Listener {
    let id: ComponentID
    let configuration: ReceiverConfig.Server
    let server: any OTLPListener
    let registry: MetricRegistry
    /// Shared with the receiver's other protocol.
    let intake: Intake
    var isStarted = false
  }

  private struct Metrics {
    let host: String
    let port: UInt16
    let server: MetricsServer
    var isStarted = false
  }

  /// What two sockets cannot both have.
  private enum Place: Hashable {
    case port(UInt16)
    case file(String)

    /// Nil where the system picks a port.
    init?(port: UInt16, socketPath: String? = nil) {
      if let socketPath {
        self = .file(socketPath)
      } else {
        guard port != 0 else { return nil }
        self = .port(port)
      }
    }
  }

  private let interner: ScopeInterner
  private let certificates: ServerCertificates
  private let registry: MetricRegistry
  private let log: Log
  private var listeners: [Listener] = []
  private var metrics: [Metrics] = []
  /// Of the configuration that was bound last.
  private var authenticators: Authenticators?

  /// - Parameters:
  ///   - interner: of the scopes of all requests.
  ///   - certificates: what is shown over TLS.
  ///   - registry: counts what comes in, and is served as metrics.
  ///   - log: the collector's own log.
  init(interner: ScopeInterner, certificates: ServerCertificates, registry: MetricRegistry, log: Log) {
    self.interner = interner
    self.certificates = certificates
    self.registry = registry
    self.log = log
    GRPCLog.send { message, leftOut in
      log.warn("gRPC reports a problem", ["problem": message, "left out before": String(leftOut)])
    }
  }

  /// Binds every address of a configuration that is not bound yet; nothing is accepted there before `open`.
  ///
  /// - Parameters:
  ///   - config: checked.
  ///   - ahead: leaves out those that cannot be had before others are closed, which the configuration has no more.
  /// - Throws: what can't be bound, with its place in the configuration. What has been bound stays until `close`.
  func bind(_ config: CollectorConfig, ahead: Bool = false) throws(Diagnostic) {
    authenticators = try Authenticators(config, log: log)
    let doomed = ahead ? places { !isNamed($0, in: config) } + metricsPlaces { !isNamed($0, in: config) } : []
    for defined in config.receiversInUse {
      for configured in defined.value.servers {
        let (port, path) = (configured.value.port, configured.value.socketPath)
        guard !listeners.contains(where: { $0.id == defined.id && $0.configuration == configured.value }),
          Place(port: port, socketPath: path).map({ !doomed.contains($0) }) ?? true
        else { continue }
        try bind(defined, configured)
      }
    }
    guard let (host, port) = config.service.metricsAddress, !metrics.contains(where: { isNamed($0, in: config) }),
      Place(port: port).map({ !doomed.contains($0) }) ?? true
    else { return }
    do {
      metrics.append(
        Metrics(host: host, port: port, server: try MetricsServer(host: host, port: port, registry: registry)))
    } catch {
      throw Diagnostic(.error, at: config.service.metricsPosition, "service.telemetry.metrics: \(error)")
    }
  }

  private func bind(
    _ defined: Defined<ReceiverConfig>, _ configured: Located<ReceiverConfig.Server>
  ) throws(Diagnostic) {
    let id = defined.id
    var certificate: ServerCertificate?
    if case .http = configured.value { certificate = try certificates.certificate(for: defined.value.tls) }
    let section = registry.section()
    let intake = listeners.first { $0.id == id }?.intake ?? Intake()
    let server: any OTLPListener
    do {
      switch configured.value {
      case .http(let http):
        server = try OTLPReceiver(
          id: id.description, configuration: http, certificate: certificate, interner: interner, intake: intake,
          registry: section)
      case .grpc(let grpc, _):
        server = try OTLPGRPCReceiver(
          id: id.description, configuration: grpc, interner: interner, intake: intake, registry: section)
      }
    } catch {
      throw Diagnostic(.error, at: configured.position, "receivers.\(id): \(error)")
    }
    listeners.append(
      Listener(id: id, configuration: configured.value, server: server, registry: section, intake: intake))
  }

  /// Lets requests into new pipelines, and takes connections where that has not begun.
  ///
  /// - Parameter assembly: running.
  /// - Throws: when the system refuses what a server needs.
  func open(_ assembly: Assembly) throws {
    if let authenticators {
      for listener in listeners {
        listener.server.doorkeeper.take(
          authenticators.duties(
            listener.configuration.admission, headers: assembly.wantedHeaders(of: listener.id)))
      }
    }
    for (id, intake) in intakes { intake.open(assembly.target(of: id)) }
    for position in listeners.indices {
      let listener = listeners[position]
      guard !listener.isStarted else { continue }
      try listener.server.start()
      listeners[position].isStarted = true
      log.info(
        "receiving OTLP",
        [
          "transport": listener.server.transport, "endpoint": listener.server.address,
          "tls": String(listener.configuration.speaksTLS),
        ])
    }
    for position in metrics.indices where !metrics[position].isStarted {
      try metrics[position].server.start()
      metrics[position].isStarted = true
      log.info("serving metrics", ["endpoint": "\(metrics[position].server.address)/metrics"])
    }
  }

  /// Where requests are taken, for people.
  var addresses: String {
    listeners.filter(\.isStarted).map(\.server.address).joined(separator: ", ")
  }

  /// Has requests wait for the next `open`, until a deadline in monotonic nanoseconds. When this returns, none is on its way
  /// into the pipelines any more.
  func hold(until deadline: UInt64) {
    for (_, intake) in intakes { intake.hold(until: deadline) }
  }

  /// Refuses what is held, and what still comes.
  func refuse() {
    for (_, intake) in intakes { intake.close() }
  }

  /// Closes everything that a configuration does not have like this; all of it without a configuration, but for the metrics.
  ///
  /// - Parameters:
  ///   - config: whose listeners stay.
  ///   - timeout: for requests under way, which still go into the pipelines.
  func close(allBut config: CollectorConfig?, timeout: Duration) {
    let closing = listeners.filter { listener in config.map { !isNamed(listener, in: $0) } ?? true }
    listeners.removeAll { listener in closing.contains { $0.server === listener.server } }
    for listener in closing { listener.server.stopAccepting() }
    let threads = closing.map { listener in
      BackgroundThread(name: "close") { [server = listener.server] in server.stop(timeout: timeout) }
    }
    for thread in threads { thread.join() }
    for listener in closing { listener.registry.withdrawGauges() }
    guard let config else { return }
    for server in metrics where !isNamed(server, in: config) { server.server.stop() }
    metrics.removeAll { !isNamed($0, in: config) }
  }

  /// Stops serving metrics.
  func closeMetrics() {
    for server in metrics { server.server.stop() }
    metrics = []
  }

  /// Each receiver's, once.
  private var intakes: [ComponentID: Intake] {
    Dictionary(listeners.map { ($0.id, $0.intake) }, uniquingKeysWith: { first, _ in first })
  }

  private func isNamed(_ listener: Listener, in config: CollectorConfig) -> Bool {
    config.receiversInUse.contains { defined in
      defined.id == listener.id && defined.value.servers.contains { $0.value == listener.configuration }
    }
  }

  private func isNamed(_ metrics: Metrics, in config: CollectorConfig) -> Bool {
    config.service.metricsAddress.map { $0 == (metrics.host, metrics.port) } ?? false
  }

  private func places(where isWanted: (Listener) -> Bool) -> [Place] {
    listeners.filter(isWanted).compactMap { Place(port: $0.server.port, socketPath: $0.configuration.socketPath) }
  }

  private func metricsPlaces(where isWanted: (Metrics) -> Bool) -> [Place] {
    metrics.filter(isWanted).compactMap { Place(port: $0.port) }
  }
}
