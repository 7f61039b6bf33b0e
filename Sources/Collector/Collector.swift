import Configuration
import EndUser
import Exporters
import HTTPServer
import Locks
import OTLP
import Pipeline
import Receivers
import SelfTelemetry

/// A running collector: the components of a configuration, connected.
final class Collector {
  private let config: CollectorConfig
  private let log: Log
  private let registry: MetricRegistry
  private var exporters: [ComponentID: any Exporter] = [:]
  private var pipelines: [TracePipeline] = []
  private var receivers: [OTLPReceiver] = []
  private var metricsServer: MetricsServer?

  /// Builds every component and binds every address; nothing runs yet.
  ///
  /// - Parameters:
  ///   - config: checked.
  ///   - log: the collector's own log.
  ///   - registry: the collector's own metrics.
  /// - Throws: what is wrong, with the place in the configuration.
  init(_ config: CollectorConfig, log: Log, registry: MetricRegistry = MetricRegistry()) throws(Diagnostic) {
    self.config = config
    self.log = log
    self.registry = registry
    ProcessMetrics.register(in: registry)
    let rules = SpanRules()
    let interner = ScopeInterner()
    for name in Self.inOrder(config.service.pipelines.flatMap(\.exporters)) {
      guard let id = ComponentID(name.value), let defined = config.exporters[id] else { continue }
      do {
        exporters[id] = try ExporterFactory.make(defined, registry: registry, log: log)
      } catch {
        throw Diagnostic(.error, at: defined.position, "exporters.\(id): \(error)")
      }
    }
    pipelines = config.service.pipelines.map { pipeline in
      TracePipeline(
        pipeline, config: config,
        exporters: pipeline.exporters.compactMap { ComponentID($0.value) }.compactMap { exporters[$0] },
        rules: rules, registry: registry, log: log)
    }
    for name in Self.inOrder(config.service.pipelines.flatMap(\.receivers)) {
      guard let id = ComponentID(name.value), let defined = config.receivers[id] else { continue }
      let fed = zip(config.service.pipelines, pipelines)
        .filter { $0.0.receivers.contains { ComponentID($0.value) == id } }.map(\.1.entry)
      do {
        receivers.append(
          try OTLPReceiver(
            id: id.description, configuration: defined.value.http, rules: rules, interner: interner,
            consumer: TracesFanOut(fed), registry: registry))
      } catch {
        throw Diagnostic(.error, at: defined.value.endpointPosition, "receivers.\(id): \(error)")
      }
    }
    if let (host, port) = config.service.metricsAddress {
      do {
        metricsServer = try MetricsServer(host: host, port: port, registry: registry)
      } catch {
        throw Diagnostic(.error, at: config.service.metricsPosition, "service.telemetry.metrics: \(error)")
      }
    }
  }

  /// Starts everything, exporters first, so that whoever receives can hand on.
  ///
  /// - Throws: what could not be started; what had been started is stopped again.
  func start() throws(Diagnostic) {
    do throws(Diagnostic) {
      try startAll()
    } catch {
      // Nothing has come in yet that would be worth waiting for.
      stopAll(timeout: .zero)
      throw error
    }
  }

  private func startAll() throws(Diagnostic) {
    for (id, exporter) in exporters.sorted(by: { $0.key.description < $1.key.description }) {
      do {
        try exporter.start()
      } catch {
        throw Diagnostic(
          .error, at: config.exporters[id]?.position ?? Position(source: "configuration"), "exporters.\(id): \(error)")
      }
    }
    for pipeline in pipelines { pipeline.start() }
    do {
      for receiver in receivers {
        try receiver.start()
        log.info("receiving OTLP over HTTP", ["endpoint": receiver.address])
      }
      if let metricsServer {
        try metricsServer.start()
        log.info("serving metrics", ["endpoint": "\(metricsServer.address)/metrics"])
      }
    } catch {
      throw Diagnostic(.error, at: Position(source: "configuration"), "\(error)")
    }
    log.info("Everything is ready. Begin running and processing data.")
  }

  /// Stops receiving, releases what waits, and brings everything to its destination, in `shutdown_timeout` at most.
  func stop() {
    log.info("stopping: draining what is held", ["shutdown_timeout": "\(config.service.shutdownTimeout)"])
    stopAll(timeout: config.service.shutdownTimeout)
    log.info("stopped")
  }

  private func stopAll(timeout: Duration) {
    let deadline = MonotonicClock.now() + timeout.nanoseconds
    for receiver in receivers { receiver.stopAccepting() }
    // Requests under way get a part of the time: what they bring must still be delivered.
    let closing = receivers.map { receiver in
      BackgroundThread(name: "close") { receiver.stop(timeout: timeout / 4) }
    }
    for thread in closing { thread.join() }
    // Exporters that are stuck keep a part as well, for a last attempt at what they hold.
    let handedOn = deadline - timeout.nanoseconds / 4
    for pipeline in pipelines { pipeline.stop(until: handedOn) }
    let drains = exporters.values.map { exporter in
      BackgroundThread(name: "drain") { exporter.drain(until: deadline) }
    }
    for drain in drains { drain.join() }
    metricsServer?.stop()
  }

  /// Each name once, in the order in which they first stand.
  private static func inOrder(_ names: [Located<String>]) -> [Located<String>] {
    var seen: Set<String> = []
    return names.filter { seen.insert(ComponentID($0.value)?.description ?? $0.value).inserted }
  }
}
