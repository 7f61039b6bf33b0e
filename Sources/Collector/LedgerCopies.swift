import Exporters
import Pipeline
import Spool

/// Where spans of an end user are who is erased from the ledger: what it does not reach.
enum LedgerCopies {
  /// In words for a person.
  static func places(of config: CollectorConfig) -> [String] {
    var places: [String] = []
    if config.service.durability != .memory {
      places.append("\(config.service.storage.directory): spans under way, and queues of exporters")
    }
    for exporter in config.exportersInUse { places += self.places(of: exporter) }
    return places + ["backups of any of these, and of the ledger's file"]
  }

  private static func places(of exporter: Defined<ExporterConfig>) -> [String] {
    switch exporter.value.destination {
    case .file(let file): ["\(file.path): what exporter \(exporter.id) wrote, rotated files included"]
    case .otlpHTTP(let otlp, _): backend(of: exporter, otlp.delivery.deadLetter)
    case .otlpGRPC(let otlp, _): backend(of: exporter, otlp.delivery.deadLetter)
    case .debug: []
    }
  }

  private static func backend(
    of exporter: Defined<ExporterConfig>, _ deadLetters: DeadLetterConfiguration
  ) -> [String] {
    ["the backend of exporter \(exporter.id)"]
      + (deadLetters.path.map { ["\($0): what that backend refused for good"] } ?? [])
  }
}
