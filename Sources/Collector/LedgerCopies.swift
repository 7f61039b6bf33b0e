import EndUser
import Exporters
import OTLP
import Pipeline
import Spool

/// Where spans of an end user are who is erased from the ledger: what it does not reach.
enum LedgerCopies {
  /// In words for a person.
  static func places(of config: CollectorConfig) -> [String] {
    var places: [String] = []
    if let storage = storage(of: config) { places.append("\(storage): spans under way, and queues of exporters") }
    for exporter in config.exportersInUse { places += self.places(of: exporter, storage: storage(of: config)) }
    for processor in processorsThatTell(config) {
      places.append("the collector's log: whom processor \(processor) found (log_traces)")
    }
    return places + ["backups of any of these, and of the ledger's file"]
  }

  /// The directory that takes what was accepted; nil for none.
  private static func storage(of config: CollectorConfig) -> String? {
    config.service.durability == .memory ? nil : config.service.storage.directory
  }

  private static func places(of exporter: Defined<ExporterConfig>, storage: String?) -> [String] {
    switch exporter.value.destination {
    case .file(let file): ["\(file.path): what exporter \(exporter.id) wrote, rotated files included"]
    case .otlpHTTP(let otlp, _): backend(of: exporter, otlp.delivery.deadLetter, storage: storage)
    case .otlpGRPC(let otlp, _): backend(of: exporter, otlp.delivery.deadLetter, storage: storage)
    // A line for each request names nobody.
    case .debug(let debug):
      debug.verbosity == .basic ? [] : ["the collector's log: what exporter \(exporter.id) shows (verbosity)"]
    }
  }

  private static func backend(
    of exporter: Defined<ExporterConfig>, _ deadLetters: DeadLetterConfiguration, storage: String?
  ) -> [String] {
    let letters =
      deadLetters.path ?? storage.map { StorageContext.deadLetterPath(of: exporter.id.description, in: $0) }
    return ["the backend of exporter \(exporter.id)"]
      + (letters.map { ["\($0) and \($0).1: what that backend refused for good"] } ?? [])
  }

  /// The `enduser` processors that log whose a trace is, each once.
  private static func processorsThatTell(_ config: CollectorConfig) -> [ComponentID] {
    var found: [ComponentID] = []
    for pipeline in config.service.pipelines where pipeline.signal == .traces {
      guard let endUser = PipelineParts(pipeline, of: config).endUser else { continue }
      if endUser.configuration.logTraces && !found.contains(endUser.id) { found.append(endUser.id) }
    }
    return found
  }
}
