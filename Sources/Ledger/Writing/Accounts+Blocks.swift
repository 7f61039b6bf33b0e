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
  func change(from old: TraceView?, to new: TraceView?) throws(LedgerError) {
    guard let id = (new ?? old)?.row.id else { return }
    if let start = new?.row.start, start != old?.row.start { try set(id, start: start) }
    try change(id, RowBlock.Column.traceName, from: old?.row.name, to: new?.row.name)
    try change(id, RowBlock.Column.traceLabels, from: old?.row.labels, to: new?.row.labels)
    try change(id, RowBlock.Column.traceMetadata, from: old?.row.metadata, to: new?.row.metadata)
  }

  private func change(_ row: Int64, _ column: Int, from old: Int64?, to new: Int64?) throws(LedgerError) {
    if new != old { try set(row, column: column, to: new ?? 0) }
  }
}
