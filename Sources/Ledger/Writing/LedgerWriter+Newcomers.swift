/// Traces that are taken to be new until their rows are written: nearly all are, whose spans come together, and a search for each
/// before it is written would only find that out.
struct Newcomers {
  struct Newcomer {
    let group: TraceGroups.Group
    let state: TraceState
    let findings: LedgerWriter.Findings
  }

  var waiting: [Newcomer] = []
  /// How much there is to be said against it: grows with each trace that turned out to be known.
  private var doubt = 0
  private static let mostDoubt = 64

  /// Whether the next trace is to be taken for new.
  var isLikely: Bool { doubt < Self.mostDoubt }

  /// To take a trace for new costs less than a search; to be wrong costs several times as much.
  mutating func wasKnown() { doubt = min(doubt + 8, 2 * Self.mostDoubt) }
  mutating func wasNew() { doubt = max(doubt - 1, 0) }
}

extension LedgerWriter {
  /// Adds the spans of a trace that is taken to be new. Its row is written with the next ones'.
  ///
  /// - Returns: false for what is not done that way; nothing was added then.
  func addAsNew(_ group: TraceGroups.Group, of groups: TraceGroups) throws(LedgerError) -> Bool {
    // What has no room in the tree, and bodies, are written at once.
    guard newcomers.isLikely, !configuration.spanBodies, group.spanCount <= configuration.maxSpansPerTree else {
      return false
    }
    let state = traces.begin(group.trace)
    var findings = Findings()
    try take(group, of: groups, into: state, &findings)
    guard findings.rejected.isEmpty, !state.records.isEmpty else { return false }
    try describe(state)
    state.row.updated = now()
    try accounts.change(from: nil, to: state.row)
    newcomers.waiting.append(Newcomers.Newcomer(group: group, state: state, findings: findings))
    if newcomers.waiting.count == NewTraces.atOnce { try writeNewcomers(of: groups) }
    return true
  }

  /// Writes those that wait. What turns out to be known is taken back, and added to what is known.
  func writeNewcomers(of groups: TraceGroups) throws(LedgerError) {
    if newcomers.waiting.isEmpty { return }
    var waiting: [Newcomers.Newcomer] = []
    swap(&waiting, &newcomers.waiting)
    let areNew = try newTraces.write(waiting.map(\.state))
    for (newcomer, isNew) in zip(waiting, areNew) {
      let state = newcomer.state
      if isNew {
        try traces.writeTree(of: state, from: 0)
        state.isStored = true
        newcomers.wasNew()
        tally.spans += newcomer.findings.spans
        tally.duplicates += newcomer.findings.duplicates
        openSessions?.changed(from: nil, to: state.row)
        tally.newTraces += 1
        tally.unpricedCalls += Self.unpricedCalls(state.row)
        keep(state)
      } else {
        newcomers.wasKnown()
        try accounts.takeBack(state.row)
        try addToStored(newcomer.group, of: groups)
      }
    }
  }
}
