package import Ledger

/// What a connector needs of a ledger. Each call may wait for a disk.
package protocol SessionLedger: Sendable {
  /// See `LedgerReader.sessionChanges`.
  func sessionChanges(
    _ place: inout LedgerReader.ChangePlace, idleSince: Int64, limit: Int
  ) throws -> [SessionChange]

  /// See `LedgerReader.userRollups`.
  func userRollups(limit: Int, bounds: [Int64]) throws -> UserRollups

  /// See `Ledger.settle`.
  func settle(_ changes: [SessionChange.Mark]) throws

  /// See `Ledger.catchUp`.
  func catchUp() throws
}

/// The ledger of a running collector. It is read by connections of the connector's own, each for one question: its file may be
/// another one by the next.
package struct FiledSessions: SessionLedger {
  private let ledger: Ledger
  private let path: String
  private let limits: LedgerReader.Limits

  /// - Parameters:
  ///   - ledger: who writes the file.
  ///   - path: of the file.
  package init(_ ledger: Ledger, path: String) {
    self.ledger = ledger
    self.path = path
    var limits = LedgerReader.Limits()
    limits.connections = 1
    // Nobody waits for the answer; but while it is looked for, the file cannot give up what others have removed.
    limits.time = .seconds(60)
    self.limits = limits
  }

  private func reader() throws -> LedgerReader { try LedgerReader(path: path, limits: limits) }

  package func sessionChanges(
    _ place: inout LedgerReader.ChangePlace, idleSince: Int64, limit: Int
  ) throws -> [SessionChange] {
    try reader().sessionChanges(&place, idleSince: idleSince, limit: limit)
  }

  package func userRollups(limit: Int, bounds: [Int64]) throws -> UserRollups {
    try reader().userRollups(limit: limit, bounds: bounds)
  }

  package func settle(_ changes: [SessionChange.Mark]) throws { try ledger.settle(changes) }
  package func catchUp() throws { try ledger.catchUp() }
}
