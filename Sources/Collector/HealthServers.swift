import Configuration
import HTTPServer
import SelfTelemetry

/// Where a collector tells its health. What a new configuration leaves alone goes on answering.
final class HealthServers {
  private struct Running {
    let config: HealthCheckConfig
    let server: HealthServer
  }

  private let health: Health
  private let log: Log
  private var running: [Running] = []

  init(health: Health, log: Log) {
    self.health = health
    self.log = log
  }

  /// Answers at the addresses of a configuration, and at no others any more.
  ///
  /// - Throws: what can't be bound, with its place in the configuration.
  func serve(_ config: CollectorConfig) throws(Diagnostic) {
    let wanted = config.healthChecksInUse
    for old in running where !wanted.contains(where: { $0.value == old.config }) { old.server.stop() }
    running.removeAll { old in !wanted.contains { $0.value == old.config } }
    for defined in wanted where !running.contains(where: { $0.config == defined.value }) {
      do {
        let server = try HealthServer(defined.value, health: health)
        try server.start()
        running.append(Running(config: defined.value, server: server))
        log.info("telling the health", ["endpoint": server.address])
      } catch {
        throw Diagnostic(.error, at: defined.value.endpointPosition, "extensions.\(defined.id): \(error)")
      }
    }
  }

  func stop() {
    for each in running { each.server.stop() }
    running = []
  }
}
