/// Why the ledger does not do what it was asked for, for the operator to read.
package enum LedgerError: Error, Sendable, Equatable, CustomStringConvertible {
  /// SQLite's word on it. `code` is its extended result code.
  case database(message: String, code: Int32, path: String)
  /// The file is there, and something else than a ledger.
  case notALedger(path: String)
  /// The file was written by a later version of Heirloom.
  case tooNew(path: String, version: Int, known: Int)
  /// The file is not there, and was to be.
  case missing(path: String)
  /// The file was deleted or replaced while it was open.
  case replaced(path: String)
  /// The ledger has stopped.
  case stopped

  package var description: String {
    switch self {
    case .database(let message, _, let path): "the ledger \(path): \(message)"
    case .notALedger(let path): "\(path) is not a ledger of Heirloom's; it stays as it is"
    case .tooNew(let path, let version, let known):
      "the ledger \(path) has version \(version), written by a later Heirloom; this one knows versions up to \(known)"
    case .missing(let path): "there is no ledger at \(path)"
    case .replaced(let path): "the ledger \(path) was deleted or replaced while it was open"
    case .stopped: "the ledger has stopped"
    }
  }
}
