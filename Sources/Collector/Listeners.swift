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

  private let interner: ScopeInterner
  private let registry: MetricRegistry
  private let log: Log
  private var listeners: [Listener] = []
  private var metrics: [Metrics] = []
  /// Of the configuration that was bound last.
  private var authenticators: Authenticators?

  /// - Parameters:
  ///   - interner: of the scopes of all requests.
  ///   - registry: counts what comes in, and is served as metrics.
  ///   - log: the collector's own log.
  init(interner: ScopeInterner, registry: MetricRegistry, log: Log) {
    self.interner = interner
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
    authenticators = try Authenticators(config, log: log)
    let doomed = ahead ? ports { !isNamed($0, in: config) } + metricsPorts { !isNamed($0, in: config) } : []
    for defined in config.receiversInUse {
      let http = defined.value.http
      guard !listeners.contains(where: { $0.id == defined.id && $0.configuration == http }),
        http.port == 0 || !doomed.contains(http.port)
      else { continue }
      let section = registry.section()
      do {
        let receiver = try OTLPReceiver(
          id: defined.id.description, configuration: http, interner: interner, registry: section)
        listeners.append(Listener(id: defined.id, configuration: http, receiver: receiver, registry: section))
      } catch {
        throw Diagnostic(.error, at: defined.value.endpointPosition, "receivers.\(defined.id): \(error)")
      }
    }
    guard let (host, port) = config.service.metricsAddress, !metrics.contains(where: { isNamed($0, in: config) }),
      port == 0 || !doomed.contains(port)
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
      if let authenticators {
        listener.receiver.doorkeeper.take(
          authenticators.duties(listener.configuration, headers: assembly.wantedHeaders(of: listener.id)))
      }
      listener.receiver.intake.open(assembly.target(of: listener.id))
      guard !listener.isStarted else { continue }
      try listener.receiver.start()
      listeners[position].isStarted = true
      log.info("receiving OTLP over HTTP", ["endpoint": listener.receiver.address])
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

  private func ports(where isWanted: (Listener) -> Bool) -> [UInt16] {
    listeners.filter(isWanted).map(\.receiver.port)
  }

  private func metricsPorts(where isWanted: (Metrics) -> Bool) -> [UInt16] {
    metrics.filter(isWanted).map(\.port)
  }
}
