import Glibc
package import Ledger

/// Where the ledger is, and where else there may be what it knows.
package struct LedgerPlace: Sendable {
  /// The file, its prices, and what becomes of a forgotten user's spans.
  let ledger: LedgerConfiguration
  /// Places of copies that the ledger does not reach.
  let copies: [String]

  /// - Parameters:
  ///   - ledger: as the configuration has it; nil for the defaults.
  ///   - copies: as the configuration names them; nil when none was read.
  package init(_ ledger: LedgerConfiguration? = nil, copies: [String]? = nil) {
    self.ledger = ledger ?? LedgerConfiguration(path: "heirloom-data/ledger.db")
    self.copies = copies ?? Self.usualCopies
  }

  private static let usualCopies = [
    "the collector's storage directory: spans under way, and queues of exporters",
    "dead letters: what a backend refused for good",
    "files that file exporters write, rotated ones included",
    "every backend that spans were sent to",
    "backups of any of these",
  ]

  /// What answers a command: the collector that it names, or else the file.
  func source(
    for command: LedgerCommand, environment: (String) -> String?
  ) throws(LedgerFault) -> any LedgerSource {
    if let url = command.url {
      return try ServedLedger(
        url: url, token: command.token ?? environment("HEIRLOOM_LEDGER_TOKEN"),
        caFile: environment("HEIRLOOM_LEDGER_CA_FILE"))
    }
    var ledger = self.ledger
    ledger.path = command.ledger ?? ledger.path
    guard access(ledger.path, F_OK) == 0 else {
      throw .failed(
        "no ledger at \(ledger.path): name its file with --ledger PATH or --config FILE, or ask a running collector with"
          + " --url http://127.0.0.1:4319")
    }
    return try FiledLedger(ledger, copies: copies)
  }
}
