import Configuration
import Connectors
import Console
import EndUser
import Ledger
import Locks
import OTLP
import Pipeline
import Receivers
import SelfTelemetry
import Spool

/// What a configuration makes behind the receivers: pipelines, exporters, and what they keep on disk.
final class Assembly {
  let rules = SpanRules()
  private let config: CollectorConfig
  private let registry: MetricRegistry
  private let storage: Storage?
  private var exporters: [(id: ComponentID, made: ExporterFactory.Made)] = []
  /// Those of traces first: they have what others share.
  private var pipelines: [(defined: ServiceConfig.Pipeline, pipeline: TracePipeline)] = []
  private var ledger: RunningLedger?
  /// Takes posted scores to the ledger.
  private var scores: LedgerFeed?
  private var sessions: SessionsConnector?

  /// Builds every component and opens what is on disk; nothing runs yet.
  ///
  /// - Parameters:
  ///   - config: checked.
  ///   - lock: of the storage directory; nil with `durability: memory`.
  ///   - interner: the receivers'.
  ///   - certificates: what is shown over TLS.
  ///   - registry: the collector's own metrics.
  ///   - log: the collector's own log.
  /// - Throws: what is wrong, with its place in the configuration. Nothing is open then.
  init(
    _ config: CollectorConfig, lock: DirectoryLock?, interner: ScopeInterner, certificates: ServerCertificates,
    registry: MetricRegistry, log: Log
  ) throws(Diagnostic) {
    self.config = config
    let section = registry.section()
    self.registry = section
    storage = lock.map { Storage(config.service, lock: $0, registry: section, log: log) }
    do throws(Diagnostic) {
      try build(interner: interner, certificates: certificates, log: log)
    } catch {
      storage?.close()
      self.registry.withdrawGauges()
      throw error
    }
  }

  private func build(
    interner: ScopeInterner, certificates: ServerCertificates, log: Log
  ) throws(Diagnostic) {
    for defined in config.exportersInUse {
      do {
        exporters += try ExporterFactory.make(
          defined, signals: config.signals(of: defined.id), endUsers: config.endUsersInUse,
          storage: storage?.context, registry: registry, log: log
        ).map { (defined.id, $0) }
      } catch {
        throw Diagnostic(.error, at: defined.position, "exporters.\(defined.id): \(error)")
      }
    }
    ledger = try config.ledgerInUse.map { defined throws(Diagnostic) in
      try RunningLedger(defined, of: config, certificates: certificates, registry: registry, log: log)
    }
    scores = try ledger.map { ledger throws(Diagnostic) in try scores(of: ledger.ledger, log: log) }
    let defined = config.service.pipelines
    for pipeline in defined.filter({ $0.signal == .traces }) + defined.filter({ $0.signal != .traces }) {
      let parts = PipelineParts(pipeline, of: config)
      let owner = owner(of: pipeline)
      do {
        let made = TracePipeline(
          parts,
          exporters: exporters.filter {
            parts.exporters.contains($0.id) && $0.made.signals.contains(pipeline.signal)
          }.map(\.made.exporter),
          storage: try storage?.open(
            pipeline.id, pipeline.signal, remembered: owner == nil ? parts.endUser?.configuration.resolvedFor : nil,
            feedsLedger: ledger != nil && parts.feedsLedger),
          ledger: ledger?.ledger, sharing: owner, durability: config.service.durability, rules: rules,
          interner: interner, registry: registry, log: log)
        pipelines.append((pipeline, made))
      } catch {
        throw Diagnostic(.error, at: config.service.storage.position, "service.storage: \(error)")
      }
    }
    sessions = config.sessionsInUse.flatMap { makeConnector($0, interner: interner, log: log) }
    storage?.reportStrangers(
      pipelines: config.service.pipelines.map(\.id),
      queues: exporters.flatMap { used in used.made.signals.map { (used.id, $0) } })
  }

  private func scores(of ledger: Ledger, log: Log) throws(Diagnostic) -> LedgerFeed {
    let name = "scores"
    do throws(SpoolError) {
      let facts = try storage?.openScores().map { [storage] spool in
        FactsLog(
          spool, maxBytes: storage?.mostFactsBytes ?? 0, metrics: LedgerTapMetrics(registry: registry, pipeline: name),
          log: log)
      }
      return ledger.feed(pipeline: name, log: facts)
    } catch {
      throw Diagnostic(.error, at: config.service.storage.position, "service.storage: \(error)")
    }
  }

  /// The connector, which hands on to pipelines that there are.
  private func makeConnector(
    _ defined: Defined<SessionsConfiguration>, interner: ScopeInterner, log: Log
  ) -> SessionsConnector? {
    guard let ledger else { return nil }
    func output(_ signal: Signal) -> ConnectorOutput? {
      guard let consumer = consumers(of: defined.id)[signal] else { return nil }
      return ConnectorOutput(
        signal, to: consumer, rules: rules, interner: interner, connector: defined.id.description, registry: registry)
    }
    return SessionsConnector(
      defined.value, id: defined.id.description, ledger: FiledSessions(ledger.ledger, path: ledger.path),
      logs: output(.logs), metrics: output(.metrics), version: Version.number, registry: registry, log: log)
  }

  /// Whose traces the log records of a pipeline belong to: those of the pipeline that has the same `enduser` processor, and if
  /// there are several, of the first that has a receiver in common.
  private func owner(of pipeline: ServiceConfig.Pipeline) -> EndUserProcessor? {
    guard pipeline.signal == .logs, let id = config.endUser(of: pipeline) else { return nil }
    let receivers = Set(pipeline.receivers.map { ComponentID($0.value) })
    let candidates = pipelines.filter { $0.defined.signal == .traces && config.endUser(of: $0.defined) == id }
    let closest = candidates.first { $0.defined.receivers.contains { receivers.contains(ComponentID($0.value)) } }
    return (closest ?? candidates.first)?.pipeline.endUser
  }

  /// What a receiver hands its requests to.
  func target(of receiver: ComponentID) -> Intake.Target {
    Intake.Target(rules: rules, consumers: consumers(of: receiver), scores: feedsLedger(receiver) ? scores : nil)
  }

  /// The pipelines that name a receiver or a connector as such, by what they take.
  private func consumers(of receiver: ComponentID) -> [Signal: TracesFanOut] {
    var fed: [Signal: [any TracesConsumer]] = [:]
    for (defined, pipeline) in pipelines
    where defined.receivers.contains(where: { ComponentID($0.value) == receiver }) {
      fed[defined.signal, default: []].append(pipeline.entry)
    }
    return fed.mapValues { TracesFanOut($0) }
  }

  /// Whether requests of a receiver come to a ledger, when there is one.
  private func feedsLedger(_ receiver: ComponentID) -> Bool {
    config.service.pipelines.contains { pipeline in
      pipeline.receivers.contains { ComponentID($0.value) == receiver }
        && PipelineParts(pipeline, of: config).feedsLedger
    }
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
    for (id, made) in exporters.sorted(by: { $0.id.description < $1.id.description }) {
      do {
        try made.exporter.start()
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
    scores?.start()
    for (_, pipeline) in pipelines { pipeline.start() }
    sessions?.start()
  }

  /// Waits until what earlier runs left has gone into the pipelines, for a bounded time.
  ///
  /// - Parameters:
  ///   - deadline: monotonic nanoseconds.
  ///   - isCancelled: asked now and then; ends the wait.
  func waitForReplay(until deadline: UInt64, unless isCancelled: () -> Bool) {
    for (_, pipeline) in pipelines { pipeline.waitForReplay(until: deadline, unless: isCancelled) }
  }

  /// Brings everything to its destination that need not wait for the next start. No request may come any more.
  ///
  /// - Parameter timeout: the longest that this takes.
  func stop(timeout: Duration) {
    let deadline = MonotonicClock.now() + timeout.nanoseconds
    // Exporters that are stuck keep a part for themselves, for a last attempt at what they hold.
    let handedOn = deadline - timeout.nanoseconds / 4
    for (_, pipeline) in pipelines { pipeline.stopReplay() }
    for (defined, pipeline) in pipelines where defined.signal == .traces { pipeline.stop(until: handedOn) }
    // It tells the others what these have brought at last.
    sessions?.stop(until: handedOn)
    for (defined, pipeline) in pipelines where defined.signal != .traces { pipeline.stop(until: handedOn) }
    let drains = exporters.map { used in
      BackgroundThread(name: "drain") { [exporter = used.made.exporter] in exporter.drain(until: deadline) }
    }
    for drain in drains { drain.join() }
    // What it has taken in is done in the spools before these are closed.
    ledger?.stop(until: deadline)
    storage?.close()
    registry.withdrawGauges()
  }
}
