/// A session that others are to be told of, as it is now.
package struct SessionChange: Sendable {
  /// Which change it is, for `Ledger.settle`.
  package struct Mark: Sendable {
    let session: Int64
    /// When it changed, by the wall clock; another time is another change.
    let time: Int64
    /// Whether nothing has come for so long that the session is at its end.
    package let isEnd: Bool
  }

  package let mark: Mark
  /// Nil for a session that is gone since.
  package let session: ListedSession?
}

extension LedgerReader {
  /// Where `sessionChanges` goes on; begin with the default.
  package struct ChangePlace: Sendable {
    fileprivate var session: Int64 = .min

    package init() {}
  }

  /// Sessions that changed and that others are to be told of, in the order of their first traces. First those that are at
  /// their end, which come again until they are settled; others once between two beginnings, however often they change.
  ///
  /// - Parameters:
  ///   - place: where to go on; moves behind what is returned.
  ///   - idleSince: a session that got no span since then is at its end. Nanoseconds since the Unix epoch, by the clock of
  ///     this machine.
  ///   - limit: how many at most.
  /// - Returns: none when there are no more.
  /// - Throws: LedgerQueryError.
  package func sessionChanges(
    _ place: inout ChangePlace, idleSince: Int64, limit: Int
  ) throws(LedgerQueryError) -> [SessionChange] {
    let from = place.session
    let found = try pool.read { (database) throws(LedgerError) -> [SessionChange] in
      var marks: [SessionChange.Mark] = []
      try database.forEach(
        "SELECT session, changed FROM open_sessions WHERE changed <= ?1 ORDER BY changed, session LIMIT ?2",
        [.int(idleSince), .int(Int64(limit))]
      ) { marks.append(SessionChange.Mark(session: $0.int(0), time: $0.int(1), isEnd: true)) }
      if marks.isEmpty {
        try database.forEach(
          """
          SELECT session, changed FROM open_sessions WHERE is_told = 0 AND session > ?1 AND changed > ?2
          ORDER BY session LIMIT ?3
          """,
          [.int(from), .int(idleSince), .int(Int64(limit))]
        ) { marks.append(SessionChange.Mark(session: $0.int(0), time: $0.int(1), isEnd: false)) }
      }
      var changes: [SessionChange] = []
      for mark in marks { changes.append(SessionChange(mark: mark, session: try database.session(mark.session))) }
      return changes
    }
    if let last = found.last, !last.mark.isEnd { place.session = last.mark.session }
    return found
  }
}
