import Locks

@testable import Connectors
@testable import Ledger

/// A ledger as a test plays it: sessions that changed, by their numbers.
final class StubLedger: SessionLedger {
  struct Failure: Error {}

  struct State {
    /// What is still to be told, and when it changed.
    var open: [Int64: Int64] = [:]
    /// Sessions that are gone since.
    var gone: Set<Int64> = []
    var metadata: String?
    var rollups = UserRollups(since: 1)
    var settled: [SessionChange.Mark] = []
    var pages = 0
    var catchUps = 0
    var fails = false
  }

  let state = Locked(State())

  init(_ sessions: ClosedRange<Int64>? = nil, changed: Int64 = 1000) {
    for session in sessions.map(Array.init) ?? [] { state.withLock { $0.open[session] = changed } }
  }

  static func session(_ number: Int64, metadata: String? = nil) -> ListedSession {
    ListedSession(
      session: "s\(number)", endUser: "ada", disagrees: false, duration: 5,
      summary: Summary(
        firstEvent: 10, lastEvent: 12, traces: 1, amounts: Amounts(), latency: Percentiles(), metadata: metadata))
  }

  func sessionChanges(
    _ place: inout LedgerReader.ChangePlace, idleSince: Int64, limit: Int
  ) throws -> [SessionChange] {
    try state.withLock { state in
      if state.fails { throw Failure() }
      state.pages += 1
      return state.open.sorted { $0.key < $1.key }.prefix(limit).map { session, changed in
        SessionChange(
          mark: SessionChange.Mark(session: session, time: changed, isEnd: changed <= idleSince),
          session: state.gone.contains(session) ? nil : Self.session(session, metadata: state.metadata))
      }
    }
  }

  func userRollups(limit: Int, bounds: [Int64]) throws -> UserRollups { state.withLock { $0.rollups } }

  func settle(_ changes: [SessionChange.Mark]) throws {
    state.withLock { state in
      state.settled += changes
      for mark in changes where state.open[mark.session] == mark.time { state.open[mark.session] = nil }
    }
  }

  func catchUp() throws { state.withLock { $0.catchUps += 1 } }

  var settled: [Int64] { state.withLock { $0.settled.map(\.session) } }
}
