import Glibc

/// Where the ledger is, and where else there may be what it knows.
package struct LedgerPlace: Sendable, Equatable {
  /// Of the ledger's file.
  package var path: String
  /// Places of copies that the ledger does not reach, as the configuration names them; nil when no configuration was
  /// read.
  package var copies: [String]?

  package init(path: String = LedgerPlace.defaultPath, copies: [String]? = nil) {
    self.path = path
    self.copies = copies
  }

  package static let defaultPath = "heirloom-data/ledger.db"

  /// What answers a command: the collector that it names, or else the file.
  func source(
    for command: LedgerCommand, environment: (String) -> String?
  ) throws(LedgerFault) -> any LedgerSource {
    if let url = command.url {
      return try ServedLedger(url: url, token: command.token ?? environment("HEIRLOOM_LEDGER_TOKEN"))
    }
    let path = command.ledger ?? self.path
    guard access(path, F_OK) == 0 else {
      throw .failed(
        "no ledger at \(path): name its file with --ledger PATH or --config FILE, or ask a running collector with"
          + " --url http://127.0.0.1:4319")
    }
    return try FiledLedger(path: path)
  }
}
