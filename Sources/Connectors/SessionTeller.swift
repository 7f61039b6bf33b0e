import Ledger
import Locks
import Pipeline

/// Tells of sessions that have changed, and of those that are at their end.
final class SessionTeller {
  private let configuration: SessionsConfiguration
  private let ledger: any SessionLedger
  private let output: ConnectorOutput
  private let envelope: Envelope

  /// Sessions that are looked at together.
  private static let pageSize = 500
  /// Bytes of a request, a record more or less.
  private static let enough = 512 << 10

  init(
    _ configuration: SessionsConfiguration, ledger: any SessionLedger, output: ConnectorOutput, envelope: Envelope
  ) {
    self.configuration = configuration
    self.ledger = ledger
    self.output = output
    self.envelope = envelope
  }

  /// Tells of each of them once.
  ///
  /// - Parameters:
  ///   - time: nanoseconds since the Unix epoch.
  ///   - hasTime: asked between requests.
  /// - Returns: how long to wait before the rest is tried again, when a pipeline refused some.
  /// - Throws: what the ledger says.
  func tell(at time: Int64, while hasTime: () -> Bool) throws -> Duration? {
    let idleSince = time - Int64(clamping: configuration.idleTimeout.nanoseconds)
    var place = LedgerReader.ChangePlace()
    while hasTime() {
      let page = try ledger.sessionChanges(&place, idleSince: idleSince, limit: Self.pageSize)
      if page.isEmpty { break }
      var settled: [SessionChange.Mark] = []
      let refusal = hand(page[...], at: time, &settled)
      // Those that were taken are not told again, whatever became of the others.
      try ledger.settle(settled)
      if let refusal { return .seconds(max(refusal.retryAfter, 1)) }
    }
    return nil
  }

  private func hand(_ page: ArraySlice<SessionChange>, at time: Int64, _ settled: inout [SessionChange.Mark])
    -> Refusal?
  {
    var rest = page
    while !rest.isEmpty {
      var records: [[UInt8]] = []
      var marks: [SessionChange.Mark] = []
      var size = 0
      while size < Self.enough, let change = rest.popFirst() {
        marks.append(change.mark)
        // Of one that is gone there is nothing to be told.
        guard let session = change.session else { continue }
        let event = SessionEvent(kind: change.mark.isEnd ? .end : .update, session: session, observed: time)
        records.append(event.logRecord)
        size += records.last?.count ?? 0
      }
      if !records.isEmpty, let refusal = output.hand(envelope.request(records)) { return refusal }
      settled += marks
    }
    return nil
  }
}
