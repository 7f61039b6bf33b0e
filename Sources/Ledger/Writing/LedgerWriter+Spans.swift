import EndUser
import Facts
import Glibc
import OTLP

/// What becomes of the spans of one trace.
extension LedgerWriter {
  /// Adds the spans of one trace.
  func add(_ group: TraceGroups.Group, of groups: TraceGroups) throws(LedgerError) {
    if forgotten.isRefused(group.trace) {
      tally.refused += group.spanCount
      return
    }
    if let recent = hot.take(group.trace) {
      try add(group, of: groups, to: recent)
    } else if try !addAsNew(group, of: groups) {
      try addToStored(group, of: groups)
    }
  }

  /// Adds spans to a trace that may have a row.
  func addToStored(_ group: TraceGroups.Group, of groups: TraceGroups) throws(LedgerError) {
    try add(group, of: groups, to: try traces.load(group.trace))
  }

  private func add(
    _ group: TraceGroups.Group, of groups: TraceGroups, to state: TraceState
  ) throws(LedgerError) {
    let before = state.isStored ? state.row : nil
    let start = state.records.count
    let omitted = state.row.omitted
    var found = Findings()
    try take(group, of: groups, into: state, &found)
    tally.duplicates += found.duplicates
    if !found.rejected.isEmpty {
      tally.refused += found.refused
      if try refuseIfForgotten(state, before: before, found) { return }
    }
    tally.spans += found.spans
    // Without a span that counts there is no trace.
    guard found.spans > 0, !state.records.isEmpty else {
      if before != nil { keep(state) }
      return
    }

    try describe(state)
    state.row.updated = now()
    try traces.write(state.row, over: before)
    if state.records.count > start { try traces.writeTree(of: state, from: start) }
    try write(found.bodies, of: state)
    try accounts.change(from: before, to: state.row)
    openSessions?.changed(from: before, to: state.row)
    if before == nil { tally.newTraces += 1 }
    tally.unpricedCalls += max(Self.unpricedCalls(state.row) - (before.map(Self.unpricedCalls) ?? 0), 0)
    tally.omitted += Int(state.row.omitted - omitted)
    state.isStored = true
    if before == nil { newcomers.wasNew() }
    keep(state)
  }

  /// What a trace's spans of a transaction are.
  struct Findings {
    var spans = 0
    var duplicates = 0
    /// Spans, and their records, that name a forgotten end user.
    var refused = 0
    var rejected: [UInt8] = []
    /// Where bodies are kept.
    var bodies: [(span: UInt64, body: [UInt8])] = []
  }

  /// Puts the records of new spans behind those that the trace has.
  func take(
    _ group: TraceGroups.Group, of groups: TraceGroups, into state: TraceState, _ found: inout Findings
  ) throws(LedgerError) {
    let (limit, isAnybodyForgotten) = (configuration.maxSpansPerTree, !forgotten.isEmpty)
    let keepsBodies = configuration.spanBodies
    let known = state.records.isEmpty ? 0 : state.spans.count
    var taken = 0
    if !isAnybodyForgotten, !keepsBodies, known + group.spanCount <= limit {
      taken = takeNew(group, of: groups, into: state, &found)
      if taken == group.spanCount { return }
    }
    // Out of the object, where each use would be guarded against another one at the same time.
    var (spans, records) = (state.spans, state.records)
    (state.spans, state.records) = (SpanIDs(), [])
    if !keepsBodies { records.reserveCapacity(records.count + group.byteCount) }
    var writer = SpanRecordWriter()
    try groups.forEachFacts(in: group) { (facts, place) throws(LedgerError) in
      if taken > 0 {
        taken -= 1
        return
      }
      var verdict = ForgottenUsers.Verdict.welcome
      if isAnybodyForgotten {
        verdict = try self.verdict(on: facts)
        if case .refused = verdict {
          found.refused += 1
          SpanRecord.append(facts, to: &found.rejected)
          return
        }
      }
      if spans.count >= limit, !spans.contains(facts.spanID) {
        if try omit(facts, state) { found.spans += 1 } else { found.duplicates += 1 }
        return
      }
      guard spans.insert(facts.spanID) else {
        found.duplicates += 1
        return
      }
      found.spans += 1
      if case .pseudonym(let name) = verdict {
        Self.append(facts, under: name, &writer, &records)
      } else if isAnybodyForgotten, try claimsForgotten(facts) {
        Self.append(facts, under: nil, &writer, &records)
      } else {
        writer.append(facts, to: &records)
        if keepsBodies, !place.body.isEmpty { found.bodies.append((facts.spanID, Array(place.body))) }
      }
    }
    (state.spans, state.records) = (spans, records)
  }

  /// The same where there is nothing to find out about a span but whether it is new, until one is not: the records behind that one
  /// may repeat what it says.
  ///
  /// - Returns: how many spans were taken.
  private func takeNew(
    _ group: TraceGroups.Group, of groups: TraceGroups, into state: TraceState, _ found: inout Findings
  ) -> Int {
    let before = state.records
    var spans = SpanIDs()
    if before.isEmpty {
      swap(&spans, &newSpans)
      spans.removeAll()
    } else {
      swap(&spans, &state.spans)
    }
    var (taken, areAllNew) = (0, true)
    state.records = [UInt8](unsafeUninitializedCapacity: before.count + group.byteCount) { records, count in
      count = records.initialize(fromContentsOf: before)
      groups.forEach(in: group) { place in
        areAllNew = areAllNew && spans.insert(place.span)
        guard areAllNew else { return }
        memcpy(records.baseAddress! + count, place.record.baseAddress!, place.record.count)
        count += place.record.count
        taken += 1
      }
    }
    found.spans += taken
    if before.isEmpty { newSpans = spans } else { state.spans = spans }
    return taken
  }

  /// Most traces are complete when they name their end user: nothing more is likely to come. Large ones cost much to read.
  func keep(_ state: TraceState) {
    if state.row.ownUser == nil || state.records.count > 8 << 10 { hot.keep(state) }
  }

  /// Finds out what the trace is now.
  func describe(_ state: TraceState) throws(LedgerError) {
    try state.records.withUnsafeBufferPointer { (records) throws(LedgerError) in
      try facts.read(UnsafeRawBufferPointer(records)) { (facts) throws(LedgerError) in try describe(state, by: facts) }
    }
  }

  private func describe(_ state: TraceState, by facts: borrowing TraceFacts) throws(LedgerError) {
    let (accounts, names) = (accounts, accounts.names)
    let (endUser, sessionName) = (facts.endUser, facts.session)
    state.row.take(facts)
    state.row.name = facts.name.isEmpty ? nil : try names.name(facts.name)
    state.row.metadata = facts.metadata.isEmpty ? nil : try names.metadata(facts.metadata)
    state.row.labels = try names.labelSet(facts.labels)
    state.row.unpriced = try unpriced(facts.unpriced)
    state.row.ownUser = endUser.isEmpty ? nil : try accounts.users.account(named: endUser).id
    state.row.user = state.row.ownUser
    state.row.session = nil
    guard !sessionName.isEmpty || configuration.tracesAreSessions else { return }
    let session =
      try sessionName.isEmpty ? self.session(like: state.row.trace) : accounts.sessions.account(named: sessionName)
    state.row.session = session.id
    // For now: the session may learn better from other traces of this transaction.
    if state.row.ownUser == nil && configuration.inheritsSessionUser { state.row.user = session.user }
  }

  private func session(like trace: TraceID) throws(LedgerError) -> SessionAccount {
    try Array(trace.hexadecimal.utf8).withUnsafeBufferPointer { (name) throws(LedgerError) in
      try accounts.sessions.account(named: UnsafeRawBufferPointer(name))
    }
  }

  private func unpriced(_ models: CountedTexts) throws(LedgerError) -> [UInt8] {
    if models.isEmpty { return [] }
    var calls: [(model: Int64, calls: Int64)] = []
    try models.forEach { (model, number) throws(LedgerError) in
      let name = try accounts.names.name(model)
      if let known = calls.firstIndex(where: { $0.model == name }) {
        calls[known].calls += Int64(number)
      } else {
        calls.append((name, Int64(number)))
      }
    }
    if calls.count > 1 { calls.sort { $0.model < $1.model } }
    return UnpricedCalls.bytes(of: calls)
  }

  static func unpricedCalls(_ row: TraceRow) -> Int {
    row.unpriced.isEmpty ? 0 : UnpricedCalls.calls(in: row.unpriced).reduce(0) { $0 + Int($1.calls) }
  }

  /// Counts a span for which the tree has no room; false when it was counted before.
  private func omit(_ facts: borrowing SpanFacts, _ state: TraceState) throws(LedgerError) -> Bool {
    guard try traces.omit(facts.spanID, of: state.row.id) else { return false }
    if facts.flags.contains(.completionMarker) { return true }
    state.row.omitted += 1
    if facts.flags.contains(.isError) { state.row.omittedErrors += 1 }
    return true
  }

  private func write(_ bodies: [(span: UInt64, body: [UInt8])], of state: TraceState) throws(LedgerError) {
    for (span, body) in bodies where body.count <= configuration.maxBodyBytes {
      try traces.write(body: body, of: span, in: state.row.id)
    }
  }

  // MARK: Forgotten users

  private func verdict(on facts: borrowing SpanFacts) throws(LedgerError) -> ForgottenUsers.Verdict {
    facts.endUser.isEmpty ? .welcome : try forgotten.verdict(on: String(decoding: facts.endUser, as: UTF8.self))
  }

  /// Whether a span names somebody forgotten under a key that doesn't count.
  private func claimsForgotten(_ facts: borrowing SpanFacts) throws(LedgerError) -> Bool {
    for claim in SpanClaims(facts).claims where claim.role == .endUserID {
      guard let name = claim.value else { continue }
      if case .welcome = try forgotten.verdict(on: name) { continue }
      return true
    }
    return false
  }

  /// Adds a span's record without its claims; with a name, one that names another end user, and nothing of what is said about the
  /// one.
  private static func append(
    _ facts: borrowing SpanFacts, under name: String?, _ writer: inout SpanRecordWriter, _ records: inout [UInt8]
  ) {
    var changed = copy facts
    changed.claims = SpanFacts.Text(start: nil, count: 0)
    guard var pseudonym = name else { return writer.append(changed, to: &records) }
    pseudonym.withUTF8 { pseudonym in
      changed.endUser = UnsafeRawBufferPointer(pseudonym)
      changed.metadata = SpanFacts.Text(start: nil, count: 0)
      writer.append(changed, to: &records)
    }
  }

  /// Some spans named a forgotten user and were left out: if the trace is that user's, nothing of it stays.
  private func refuseIfForgotten(
    _ state: TraceState, before: TraceRow?, _ found: Findings
  ) throws(LedgerError) -> Bool {
    let owner = (state.records + found.rejected).withUnsafeBytes { records in
      facts.read(records) { String(decoding: $0.endUser, as: UTF8.self) }
    }
    guard !owner.isEmpty, case .refused = try forgotten.verdict(on: owner) else { return false }
    tally.refused += found.spans
    try refuse(state.row.trace)
    if let before { try remove(before) }
    return true
  }

  /// Takes in nothing more of a trace.
  func refuse(_ trace: TraceID) throws(LedgerError) {
    try forgotten.refuse(trace, time: now())
    accounts.scores.note(refused: trace)
  }

  /// Removes a trace and what it adds to its accounts.
  func remove(_ row: TraceRow) throws(LedgerError) {
    try accounts.change(from: row, to: nil)
    try traces.delete(row.id)
    _ = hot.take(row.trace)
    tally.removedTraces += 1
  }
}
