import Configuration
import Console
import EndUser
import Ledger
import Locks
import OTLP
import Pipeline
import Receivers
import SelfTelemetry

/// What a configuration makes behind the receivers: pipelines, exporters, and what they keep on disk.
final class Assembly {
  let rules = SpanRules()
  private let config: CollectorConfig
  private let registry: MetricRegistry
  private let storage: Storage?
  private var exporters: [(id: ComponentID, exporter: any Exporter)] = []
  private var pipelines: [TracePipeline] = []
  private var ledger: RunningLedger?

  /// Builds every component and opens what is on disk; nothing runs yet.
  ///
  /// - Parameters:
  ///   - config: checked.
  ///   - lock: of the storage directory; nil with `durability: memory`.
  ///   - interner: the receivers'.
  ///   - registry: the collector's own metrics.
  ///   - log: the collector's own log.
  /// - Throws: what is wrong, with its place in the configuration. Nothing is open then.
  init(
    _ config: CollectorConfig, lock: DirectoryLock?, interner: ScopeInterner, registry: MetricRegistry, log: Log
  ) throws(Diagnostic) {
    self.config = config
    let section = registry.section()
    self.registry = section
    storage = lock.map { Storage(config.service, lock: $0, registry: section, log: log) }
    do throws(Diagnostic) {
      try build(interner: interner, log: log)
    } catch {
      storage?.close()
      self.registry.withdrawGauges()
      throw error
    }
  }

  private func build(interner: ScopeInterner, log: Log) throws(Diagnostic) {
    for defined in config.exportersInUse {
      do {
        exporters.append(
          (defined.id, try ExporterFactory.make(defined, storage: storage?.context, registry: registry, log: log)))
      } catch {
        throw Diagnostic(.error, at: defined.position, "exporters.\(defined.id): \(error)")
      }
    }
    ledger = try config.ledgerInUse.map { defined throws(Diagnostic) in
      try RunningLedger(defined, of: config, registry: registry, log: log)
    }
    for pipeline in config.service.pipelines {
      let parts = PipelineParts(pipeline, of: config)
      do {
        pipelines.append(
          TracePipeline(
            parts,
            exporters: exporters.filter { used in parts.exporters.contains(used.id) }.map(\.exporter),
            storage: try storage?.open(pipeline.id, remembered: parts.endUser?.configuration.resolvedFor),
            ledger: ledger?.ledger, durability: config.service.durability, rules: rules, interner: interner,
            registry: registry, log: log))
      } catch {
        throw Diagnostic(.error, at: config.service.storage.position, "service.storage: \(error)")
      }
    }
    storage?.reportStrangers(
      pipelines: config.service.pipelines.map(\.id), exporters: exporters.map(\.id))
  }

  /// What a receiver hands its requests to.
  func target(of receiver: ComponentID) -> Intake.Target {
    let fed = zip(config.service.pipelines, pipelines)
      .filter { $0.0.receivers.contains { ComponentID($0.value) == receiver } }.map(\.1.entry)
    return Intake.Target(rules: rules, consumers: [.traces: TracesFanOut(fed)])
  }

  /// Headers of a receiver's requests that its pipelines want to know, in lower case.
  func wantedHeaders(of receiver: ComponentID) -> [String] {
    let parts = config.service.pipelines.filter { $0.receivers.contains { ComponentID($0.value) == receiver } }
      .map { PipelineParts($0, of: config) }
    return Array(Set(parts.flatMap { $0.endUser?.configuration.fromHeaders.names ?? [] })).sorted()
  }

  /// Starts everything, exporters first, so that whoever receives can hand on.
  ///
  /// - Throws: what could not be started, with its place in the configuration; everything is stopped again then.
  func start() throws(Diagnostic) {
    for (id, exporter) in exporters.sorted(by: { $0.id.description < $1.id.description }) {
      do {
        try exporter.start()
      } catch {
        // Nothing has come in yet that would be worth waiting for.
        stop(timeout: .zero)
        throw Diagnostic(
          .error, at: config.exporters[id]?.position ?? Position(source: "configuration"), "exporters.\(id): \(error)")
      }
    }
    do throws(Diagnostic) { try ledger?.start() } catch {
      stop(timeout: .zero)
      throw error
    }
    for pipeline in pipelines { pipeline.start() }
  }

  /// Waits until what earlier runs left has gone into the pipelines, for a bounded time.
  ///
  /// - Parameters:
  ///   - deadline: monotonic nanoseconds.
  ///   - isCancelled: asked now and then; ends the wait.
  func waitForReplay(until deadline: UInt64, unless isCancelled: () -> Bool) {
    for pipeline in pipelines { pipeline.waitForReplay(until: deadline, unless: isCancelled) }
  }

  /// Brings everything to its destination that need not wait for the next start. No request may come any more.
  ///
  /// - Parameter timeout: the longest that this takes.
  func stop(timeout: Duration) {
    let deadline = MonotonicClock.now() + timeout.nanoseconds
    // Exporters that are stuck keep a part for themselves, for a last attempt at what they hold.
    let handedOn = deadline - timeout.nanoseconds / 4
    for pipeline in pipelines { pipeline.stop(until: handedOn) }
    let drains = exporters.map { used in
      BackgroundThread(name: "drain") { [exporter = used.exporter] in exporter.drain(until: deadline) }
    }
    for drain in drains { drain.join() }
    // What it has taken in is done in the spools before these are closed.
    ledger?.stop(until: deadline)
    storage?.close()
    registry.withdrawGauges()
  }
}
