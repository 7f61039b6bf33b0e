import OTLP

/// Who speaks for a trace when no root with an end user has come.
extension TraceShard {
  /// What a trace's spans inherit by the best that is known; nil for nothing.
  func identityWithoutRoot(_ entry: TraceEntry.Pointer) -> Identity? {
    entry.pointee.state == .anonymous ? identityUnderAnonymousRoot(entry) : identityOfRootless(entry)
  }

  /// An anonymous root came: the topmost span that names an end user, else the root's resource, else the headers that came
  /// with the root, add to what it said.
  private func identityUnderAnonymousRoot(_ entry: TraceEntry.Pointer) -> Identity? {
    let plan = settings.plan
    let known = entry.pointee.identity
    var parts = IdentityParts(known, limit: plan.maxBytes)
    if settings.fallback == .topmost, entry.pointee.hasCandidate {
      let speaker = topmost(
        of: entry, where: { !$0.isRoot && plan.namesEndUser($0, asRoot: false) }, says: plan.candidateParts)
      if let speaker {
        parts.fill(from: speaker.parts)
        return Identity(source: .topmost, speaker: speaker.span, parts: parts)
      }
    }
    guard let root = entry.pointee.anonymousRoot else { return known }
    let defaults = plan.resourceParts(root.scope.takeUnretainedValue().resource)
    if defaults.hasEndUser {
      parts.fill(from: defaults)
      return Identity(source: .resource, speaker: root.span, parts: parts)
    }
    let headers = plan.headerParts(entry.pointee.rootOrigin)
    guard headers.hasEndUser else { return known }
    parts.fill(from: headers)
    return Identity(source: .header, speaker: root.span, parts: parts)
  }

  /// No root came: the topmost local root or, with the fallback, any span that names an end user.
  private func identityOfRootless(_ entry: TraceEntry.Pointer) -> Identity? {
    let plan = settings.plan
    if entry.pointee.hasLocalSpeaker {
      let local = topmost(
        of: entry, where: { $0.isLocalRoot && plan.namesEndUser($0, asRoot: true) }, says: plan.rootParts)
      if let local { return Identity(source: .localRoot, speaker: local.span, parts: local.parts) }
    }
    guard settings.fallback == .topmost, entry.pointee.hasCandidate else { return nil }
    let speaker = topmost(
      of: entry, where: { plan.namesEndUser($0, asRoot: false) }, says: plan.candidateParts)
    return speaker.map { Identity(source: .topmost, speaker: $0.span, parts: $0.parts) }
  }

  /// The topmost of a trace's waiting spans that qualify, and what it says. Spans on disk are read a part of a block at a time,
  /// and again where the speaker is among them.
  private func topmost(
    of entry: TraceEntry.Pointer, where qualifies: (SpanView) -> Bool, says: (SpanView) -> IdentityParts
  ) -> (span: UInt64, parts: IdentityParts)? {
    let reader = entry.pointee.waiting.spilledSpanCount > 0 ? settings.storage?.makeReader() : nil
    let chain = entry.pointee.waiting
    let trace = entry.pointee.id
    var search = Topmost()
    var blocks: [WaitingBlock] = []
    chain.forEachBlock { block in
      guard !block.isLogs else { return }
      let place = blocks.count
      blocks.append(block)
      block.forEach(of: trace, reader) { search.look(at: $0, place: place, qualifies: qualifies($0)) }
    }
    guard let choice = search.choice else { return nil }
    var parts: IdentityParts?
    blocks[choice.place].forEach(of: trace, reader) { span in
      if parts == nil, span.spanID == choice.span { parts = says(span) }
    }
    return parts.map { (choice.span, $0) }
  }
}

extension WaitingBlock {
  /// Lends every span, whether it is in memory or must be read; without those that can't be read.
  fileprivate func forEach(of trace: TraceID, _ reader: SpilledReader?, _ body: (SpanView) -> Void) {
    if isSpilled {
      reader?.read(self, of: trace) { reader?.forEach(body) }
    } else {
      forEach(body)
    }
  }
}
