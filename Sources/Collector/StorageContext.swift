import Pipeline
import SelfTelemetry
import Spool

/// Where the components of a collector keep what they have accepted, unless `durability` is `memory`.
struct StorageContext {
  /// `fsync` or `buffered`.
  let durability: Durability
  /// `service.storage.directory`.
  let directory: String
  let syncInterval: Duration
  /// Of everything below the directory.
  let budget: SpoolBudget

  /// What a component's files are called: its id without the slash.
  static func fileName(of id: String) -> String { String(id.map { $0 == "/" ? "@" : $0 }) }

  /// Where an exporter's dead letters go unless its configuration says otherwise.
  func deadLetterPath(of exporter: String) -> String {
    "\(directory)/dead_letter/\(Self.fileName(of: exporter)).jsonl"
  }

  /// Opens an exporter's durable queue.
  func queueStore(of exporter: String, registry: MetricRegistry, log: Log) throws(SpoolError) -> SpoolStore {
    var configuration = Spool.Configuration(directory: "\(directory)/exporters/\(Self.fileName(of: exporter))")
    configuration.durability = durability
    configuration.syncInterval = syncInterval
    // What is stored here is let go of elsewhere.
    configuration.usesReserve = true
    let spool = try Spool(
      configuration, budget: budget, log: log, registry: registry, labels: [("exporter", exporter)])
    return SpoolStore(spool, syncs: durability == .fsync, delay: syncInterval)
  }
}
