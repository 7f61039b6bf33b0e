import OTLP
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

  /// Of the spools. A limit, or a disk, of a few segments only would be full while most of it is done.
  var segmentBytes: Int {
    let room = min(budget.maxBytes, SpoolBudget.diskSize(of: directory) ?? .max)
    return min(Spool.Configuration(directory: directory).segmentBytes, max(room / 16, 1 << 18))
  }

  /// What the files of a component or a pipeline are called, as those of no other are.
  static func fileName(of id: String) -> String {
    id.unicodeScalars.map { scalar in
      switch scalar {
      case "/": "@"
      case "a"..."z", "A"..."Z", "0"..."9", "_", "-", ".": String(scalar)
      default: scalar.utf8.map { "%" + ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined()
      }
    }.joined()
  }

  /// Where an exporter's dead letters go unless its configuration says otherwise.
  static func deadLetterPath(of exporter: String, in directory: String) -> String {
    "\(directory)/dead_letter/\(fileName(of: exporter)).jsonl"
  }

  /// What the directory of an exporter's queue for a signal is called: a request that is stored does not say what it is.
  static func queueName(of exporter: String, _ signal: Signal) -> String {
    fileName(of: exporter) + (signal == .traces ? "" : "+\(signal.name)")
  }

  /// Opens an exporter's durable queue for a signal.
  func queueStore(
    of exporter: String, _ signal: Signal, registry: MetricRegistry, log: Log
  ) throws(SpoolError) -> SpoolStore {
    var configuration = Spool.Configuration(directory: "\(directory)/exporters/\(Self.queueName(of: exporter, signal))")
    configuration.durability = durability
    configuration.syncInterval = syncInterval
    configuration.segmentBytes = segmentBytes
    // What is stored here is let go of elsewhere.
    configuration.usesReserve = true
    let spool = try Spool(
      configuration, budget: budget, log: log, registry: registry,
      labels: [("data_type", signal.name), ("exporter", exporter)])
    return SpoolStore(spool, syncs: durability == .fsync, delay: syncInterval)
  }
}
