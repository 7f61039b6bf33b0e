import Configuration
import EndUser
import Glibc
import Locks
import OTLP
import SelfTelemetry
import Spool

/// What pipelines keep on disk: below one directory, a spool of accepted requests for each, and a journal of the identities
/// that its traces were resolved to.
final class Storage {
  /// What one pipeline keeps.
  struct Pipeline {
    let signal: Signal
    let spool: Spool
    /// Of a pipeline with an `enduser` processor.
    let identities: Journal?
    /// Where what such a pipeline tells the ledger waits; nil without a ledger, and where what it accepted must be on the disk.
    let facts: Spool?
    /// Bytes of facts in there at most.
    let mostFactsBytes: Int

    /// What the pipeline's `enduser` processor needs of it.
    func endUser(log: Log) -> EndUserStorage? {
      identities.map { EndUserStorage(reader: spool, journal: IdentityJournal($0), log: log) }
    }

    /// Starts the spool's threads. No root is done before the identity of its trace is on disk.
    ///
    /// - Parameters:
    ///   - rules: what receivers index by.
    ///   - durability: `fsync` or `buffered`.
    func start(rules: SpanRules, durability: Durability) {
      if let identities {
        spool.beforeRecording { if durability == .fsync { identities.sync() } else { identities.flush() } }
      }
      if identities != nil || facts != nil {
        spool.beforeSyncing { [identities, facts] in
          identities?.sync()
          facts?.sync()
        }
      }
      facts?.start()
      let reduction = SpoolReduction(signal, rules: rules)
      spool.reduceWith { [weak spool] payload, record in
        reduction.reduce(payload, of: record, units: spool?.units(of: record))
      }
      spool.start()
    }
  }

  /// What exporters may keep here.
  let context: StorageContext
  private let lock: DirectoryLock
  private let registry: MetricRegistry
  private let log: Log
  private var opened: [Pipeline] = []
  private var scores: Spool?

  /// - Parameters:
  ///   - service: says `fsync` or `buffered`.
  ///   - lock: of the storage directory.
  ///   - registry: where spools count.
  ///   - log: the collector's own log.
  init(_ service: ServiceConfig, lock: DirectoryLock, registry: MetricRegistry, log: Log) {
    context = StorageContext(
      durability: service.durability, directory: service.storage.directory, syncInterval: service.storage.syncInterval,
      budget: SpoolBudget(maxBytes: service.storage.maxSpoolMiB << 20))
    self.lock = lock
    self.registry = registry
    self.log = log
  }

  /// How much of what a pipeline tells the ledger waits beside its spool. Facts are a tenth of their requests, which must not be
  /// refused for the ledger's sake.
  var mostFactsBytes: Int { min(512 << 20, context.budget.maxBytes / 16) }
  private static let factsSegmentBytes = 8 << 20

  private var exporters: String { "\(context.directory)/exporters" }
  private var pipelines: String { "\(context.directory)/pipelines" }

  /// Opens what a pipeline keeps.
  ///
  /// - Parameters:
  ///   - id: the pipeline's.
  ///   - signal: the pipeline's.
  ///   - remembered: how long it remembers identities; nil without an `enduser` processor.
  ///   - feedsLedger: whether a ledger hears of what it accepts.
  /// - Returns: what is closed by `close`.
  /// - Throws: what the system or the limit says against it.
  func open(
    _ id: ComponentID, _ signal: Signal, remembered: Duration?, feedsLedger: Bool
  ) throws(SpoolError) -> Pipeline {
    let directory = "\(pipelines)/\(StorageContext.fileName(of: id.description))"
    let labels: MetricRegistry.Labels = [("pipeline", id.description)]
    let spool = try Spool(
      spoolConfiguration("\(directory)/requests"), budget: context.budget, log: log, registry: registry,
      labels: labels + [("log", "requests")])
    var identities: Journal?
    var facts: Spool?
    do throws(SpoolError) {
      if let remembered {
        identities = try Journal(
          Journal.Configuration(directory: "\(directory)/identities", lifetime: remembered.nanoseconds),
          budget: context.budget, log: log, registry: registry, labels: labels + [("log", "identities")])
      }
      // What must be on the disk is so when the ledger has it, not before.
      if feedsLedger, context.durability == .buffered {
        facts = try openFacts("\(directory)/facts", labels: labels + [("log", "facts")])
      }
    } catch {
      spool.stop()
      identities?.close()
      throw error
    }
    let pipeline = Pipeline(
      signal: signal, spool: spool, identities: identities, facts: facts, mostFactsBytes: mostFactsBytes)
    opened.append(pipeline)
    return pipeline
  }

  /// Opens where posted scores wait for the ledger.
  ///
  /// - Returns: what is closed by `close`, started; nil where what was accepted must be on the disk: who sent it waits until the
  ///   ledger has it.
  /// - Throws: what the system or the limit says against it.
  func openScores() throws(SpoolError) -> Spool? {
    guard context.durability == .buffered else { return nil }
    let spool = try openFacts("\(context.directory)/scores", labels: [("pipeline", "scores"), ("log", "facts")])
    spool.start()
    scores = spool
    return spool
  }

  private func openFacts(_ directory: String, labels: MetricRegistry.Labels) throws(SpoolError) -> Spool {
    var configuration = spoolConfiguration(directory)
    configuration.segmentBytes = min(configuration.segmentBytes, Self.factsSegmentBytes)
    return try Spool(configuration, budget: context.budget, log: log, registry: registry, labels: labels)
  }

  private func spoolConfiguration(_ directory: String) -> Spool.Configuration {
    var spool = Spool.Configuration(directory: directory)
    spool.durability = context.durability
    spool.syncInterval = context.syncInterval
    spool.segmentBytes = context.segmentBytes
    return spool
  }

  /// Writes everything down and closes it. Nothing may be appended any more.
  func close() {
    for pipeline in opened {
      pipeline.spool.stop()
      pipeline.identities?.close()
      pipeline.facts?.stop()
    }
    opened = []
    scores?.stop()
    scores = nil
  }

  /// Tells of requests that wait in the directory for a pipeline or an exporter that there is no more. They stay.
  ///
  /// - Parameters:
  ///   - known: the pipelines that there are.
  ///   - queues: the exporters that may have a queue here, for a signal.
  func reportStrangers(pipelines known: [ComponentID], queues: [(exporter: ComponentID, signal: Signal)]) {
    for name in Self.entries(pipelines)
    where !known.contains(where: { StorageContext.fileName(of: $0.description) == name }) {
      report(
        "a pipeline that is not configured has requests in the storage directory", "\(pipelines)/\(name)", "requests")
    }
    for name in Self.entries(exporters)
    where !queues.contains(where: { StorageContext.queueName(of: $0.exporter.description, $0.signal) == name }) {
      report("an exporter that is not configured has requests in the storage directory", "\(exporters)/\(name)", "")
    }
  }

  private func report(_ message: String, _ directory: String, _ below: String) {
    let path = below.isEmpty ? directory : "\(directory)/\(below)"
    guard !Self.entries(path).isEmpty else { return }
    do throws(SpoolError) {
      let spool = try Spool(
        spoolConfiguration(path), budget: context.budget, log: log, registry: MetricRegistry(), labels: [])
      defer { spool.stop() }
      guard spool.replayCount > 0 else { return }
      log.warn(message, ["directory": directory, "requests": String(spool.replayCount)])
    } catch {
      log.warn(message, ["directory": directory, "error": "\(error)"])
    }
  }

  /// The names in a directory, in order; none if it cannot be read.
  private static func entries(_ directory: String) -> [String] {
    guard let stream = opendir(directory) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { field in
        field.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }
}
