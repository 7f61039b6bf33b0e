import Configuration
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
    let configuration: OTLPReceiver.Configuration
    let receiver: OTLPReceiver
    let registry: MetricRegistry
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
  }

  /// Binds every address of a configuration that is not bound yet; nothing is accepted there before `open`.
  ///
  /// - Parameters:
  ///   - config: checked.
  ///   - ahead: leaves out those that cannot be had before others are closed, which the configuration has no more.
  /// - Throws: what can't be bound, with its place in the configuration. What has been bound stays until `close`.
  func bind(_ config: CollectorConfig, ahead: Bool = false) throws(Diagnostic) {
    let doomed = ahead ? places { !isNamed($0, in: config) } + metricsPlaces { !isNamed($0, in: config) } : []
    for defined in config.receiversInUse {
      let http = defined.value.http
      guard !listeners.contains(where: { $0.id == defined.id && $0.configuration == http }),
        Place(port: http.port, socketPath: http.socketPath).map({ !doomed.contains($0) }) ?? true
      else { continue }
      let certificate = try certificates.certificate(for: defined.value.tls)
      let section = registry.section()
      do {
        let receiver = try OTLPReceiver(
          id: defined.id.description, configuration: http, certificate: certificate, interner: interner,
          registry: section)
        listeners.append(Listener(id: defined.id, configuration: http, receiver: receiver, registry: section))
      } catch {
        throw Diagnostic(.error, at: defined.value.endpointPosition, "receivers.\(defined.id): \(error)")
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

  /// Lets requests into new pipelines, and takes connections where that has not begun.
  ///
  /// - Parameter assembly: running.
  /// - Throws: when the system refuses what a server needs.
  func open(_ assembly: Assembly) throws(HTTPServerError) {
    for position in listeners.indices {
      let listener = listeners[position]
      listener.receiver.intake.open(assembly.target(of: listener.id))
      guard !listener.isStarted else { continue }
      try listener.receiver.start()
      listeners[position].isStarted = true
      let scheme = listener.configuration.tls == nil ? "HTTP" : "HTTPS"
      log.info("receiving OTLP over \(scheme)", ["endpoint": listener.receiver.address])
    }
    for position in metrics.indices where !metrics[position].isStarted {
      try metrics[position].server.start()
      metrics[position].isStarted = true
      log.info("serving metrics", ["endpoint": "\(metrics[position].server.address)/metrics"])
    }
  }

  /// Where requests are taken, for people.
  var addresses: String {
    listeners.filter(\.isStarted).map(\.receiver.address).joined(separator: ", ")
  }

  /// Has requests wait for the next `open`, until a deadline in monotonic nanoseconds. When this returns, none is on its way
  /// into the pipelines any more.
  func hold(until deadline: UInt64) {
    for listener in listeners { listener.receiver.intake.hold(until: deadline) }
  }

  /// Refuses what is held, and what still comes.
  func refuse() {
    for listener in listeners { listener.receiver.intake.close() }
  }

  /// Closes everything that a configuration does not have like this; all of it without a configuration, but for the metrics.
  ///
  /// - Parameters:
  ///   - config: whose listeners stay.
  ///   - timeout: for requests under way, which still go into the pipelines.
  func close(allBut config: CollectorConfig?, timeout: Duration) {
    let closing = listeners.filter { listener in config.map { !isNamed(listener, in: $0) } ?? true }
    listeners.removeAll { listener in closing.contains { $0.receiver === listener.receiver } }
    for listener in closing { listener.receiver.stopAccepting() }
    let threads = closing.map { listener in
      BackgroundThread(name: "close") { [receiver = listener.receiver] in receiver.stop(timeout: timeout) }
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

  private func isNamed(_ listener: Listener, in config: CollectorConfig) -> Bool {
    config.receiversInUse.contains { $0.id == listener.id && $0.value.http == listener.configuration }
  }

  private func isNamed(_ metrics: Metrics, in config: CollectorConfig) -> Bool {
    config.service.metricsAddress.map { $0 == (metrics.host, metrics.port) } ?? false
  }

  private func places(where isWanted: (Listener) -> Bool) -> [Place] {
    listeners.filter(isWanted).compactMap { Place(port: $0.receiver.port, socketPath: $0.configuration.socketPath) }
  }

  private func metricsPlaces(where isWanted: (Metrics) -> Bool) -> [Place] {
    metrics.filter(isWanted).compactMap { Place(port: $0.port) }
  }
}
