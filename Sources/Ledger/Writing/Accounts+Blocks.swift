/// What is kept to be found by: the blocks of rows, and how many users have which metadata.
extension Accounts {
  /// Writes what changed. Rows of users and sessions are written, those of metadata are still there.
  func writeBlocks() throws(LedgerError) {
    for user in users.touched where user.id != 0 {
      guard let change = user.takeMetadataChange() else { continue }
      if let old = change.old { try names.shapes.count(users: -1, with: old) }
      if let new = change.new { try names.shapes.count(users: 1, with: new) }
      try blocks.users.set(user.id, column: RowBlock.Column.metadata, to: change.new ?? 0)
    }
    for session in sessions.touched {
      guard let change = session.takeMetadataChange() else { continue }
      try blocks.sessions.set(session.id, column: RowBlock.Column.metadata, to: change.new ?? 0)
    }
    try blocks.users.flush()
    try blocks.sessions.flush()
    try blocks.traces.flush()
  }

  func resetBlocks() {
    blocks.users.reset()
    blocks.sessions.reset()
    blocks.traces.reset()
  }
}

extension Account {
  /// What its row said and says now; nil where that is the same. From now on the row is known to say it.
  fileprivate func takeMetadataChange() -> (old: Int64?, new: Int64?)? {
    let new = totals.traces > 0 ? metadata : nil
    let old = storedMetadata
    guard new != old else { return nil }
    storedMetadata = new
    return (old, new)
  }
}

extension RowBlocks {
  /// A trace came, changed or went.
  func change(from old: TraceRow?, to new: TraceRow?) throws(LedgerError) {
    guard let row = new ?? old else { return }
    if let new, new.start != old?.start { try set(new.id, start: new.start) }
    if new?.name != old?.name { try set(row.id, column: RowBlock.Column.traceName, to: new?.name ?? 0) }
    if new?.labels != old?.labels { try set(row.id, column: RowBlock.Column.traceLabels, to: new?.labels ?? 0) }
    if new?.metadata != old?.metadata { try set(row.id, column: RowBlock.Column.traceMetadata, to: new?.metadata ?? 0) }
  }
}
