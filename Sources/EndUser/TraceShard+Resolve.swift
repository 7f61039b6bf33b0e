import OTLP
import SelfTelemetry
import Synchronization

/// How traces are resolved, and when.
extension TraceShard {
  /// Resolves what has waited long enough and forgets what was remembered long enough. Does a bounded part at a time.
  ///
  /// - Returns: whether more is due.
  func sweep(now: UInt64, into emissions: inout [Emission]) -> Bool {
    var budget = 256
    func isDue(_ entry: TraceEntry.Pointer?, _ deadline: (TraceEntry.Pointer) -> UInt64) -> TraceEntry.Pointer? {
      guard budget > 0, let entry, deadline(entry) <= now else { return nil }
      budget -= 1
      return entry
    }
    while let entry = isDue(fallbackWaits.first, \.pointee.shortDeadline) {
      emissions.append(resolveWithoutRoot(entry, .anonymousRoot, now: now))
    }
    while let entry = isDue(localWaits.first, \.pointee.shortDeadline) {
      emissions.append(resolveWithoutRoot(entry, .rootWait, now: now))
    }
    while let entry = isDue(waiting.first, { $0.pointee.since &+ settings.rootWait }) {
      emissions.append(resolveWithoutRoot(entry, .rootWait, now: now))
    }
    while let entry = isDue(resolved.first, { $0.pointee.since &+ settings.resolvedFor }) { forget(entry) }
    return budget == 0
  }

  /// Resolves the trace that waits longest; nil when none waits.
  func resolveOldest(_ reason: Unattributed, now: UInt64) -> Emission? {
    waiting.first.map { resolveWithoutRoot($0, reason, now: now) }
  }

  func publishOldest() {
    oldest.store(waiting.first?.pointee.since ?? .max, ordering: .relaxed)
  }

  /// Resolves a trace that no root with an end user has come for, by the best that is known.
  func resolveWithoutRoot(_ entry: TraceEntry.Pointer, _ reason: Unattributed, now: UInt64) -> Emission {
    let identity =
      entry.pointee.state == .anonymous ? identityUnderAnonymousRoot(entry) : identityOfRootless(entry)
    let isAttributed = identity?.hasEndUser ?? false
    return resolve(entry, as: identity, unattributed: isAttributed ? nil : reason, now: now)
  }

  /// An anonymous root came: the topmost span that names an end user, else the root's resource, adds to what it said.
  private func identityUnderAnonymousRoot(_ entry: TraceEntry.Pointer) -> Identity? {
    let chain = entry.pointee.waiting
    let plan = settings.plan
    let known = entry.pointee.identity
    var parts = IdentityParts(known, limit: plan.maxBytes)
    if settings.fallback == .topmost, entry.pointee.hasCandidate {
      let speaker = Topmost.choose(
        among: chain.spans, where: { !$0.isRoot && plan.namesEndUser($0, asRoot: false) })
      if let speaker {
        parts.fill(from: plan.candidateParts(speaker))
        return Identity(source: .topmost, speaker: speaker.spanID, parts: parts)
      }
    }
    guard let root = chain.spans.first(where: \.isRoot) else { return known }
    let defaults = plan.resourceParts(root.scope.takeUnretainedValue().resource)
    guard defaults.hasEndUser else { return known }
    parts.fill(from: defaults)
    return Identity(source: .resource, speaker: root.spanID, parts: parts)
  }

  /// No root came: the topmost local root or, with the fallback, any span that names an end user.
  private func identityOfRootless(_ entry: TraceEntry.Pointer) -> Identity? {
    let chain = entry.pointee.waiting
    let plan = settings.plan
    let local = Topmost.choose(
      among: chain.spans, where: { $0.isLocalRoot && plan.namesEndUser($0, asRoot: true) })
    if let local { return Identity(source: .localRoot, speaker: local.spanID, parts: plan.rootParts(local)) }
    guard settings.fallback == .topmost, entry.pointee.hasCandidate else { return nil }
    let speaker = Topmost.choose(among: chain.spans, where: { plan.namesEndUser($0, asRoot: false) })
    return speaker.map { Identity(source: .topmost, speaker: $0.spanID, parts: plan.candidateParts($0)) }
  }

  /// Makes a trace's spans leave. `direct` are spans that leave without having waited.
  func resolve(
    _ entry: TraceEntry.Pointer, as identity: Identity?, unattributed: Unattributed? = nil, now: UInt64,
    direct: News? = nil
  ) -> Emission {
    let chain = entry.pointee.waiting
    if !chain.isEmpty {
      waiting.remove(entry)
      settings.metrics.waitingTraces.add(-1)
      settings.metrics.waitingSpans.add(-chain.spanCount)
      settings.metrics.waitingBytes.add(-chain.byteCount)
    }
    endShortWait(entry)
    // Another thread may have read the clock earlier and come later.
    let waited = now > entry.pointee.since ? now - entry.pointee.since : 0
    entry.pointee.waiting = WaitingChain()
    entry.pointee.identity = identity
    entry.pointee.state = .resolved
    entry.pointee.since = now
    resolved.append(entry)
    settings.metrics.rememberedTraces.add(1)
    remember(entry)

    if let unattributed {
      settings.metrics.unattributed[unattributed]?.add()
    } else if let identity {
      settings.metrics.resolved[identity.source]?.add()
    }
    var emission = Emission(identity: identity, waiting: chain, direct: direct?.first ?? -1)
    if settings.tellsResolutions {
      emission.resolution = Resolution(
        traceID: entry.pointee.id, endUser: identity?.text(of: .endUserID), session: identity?.text(of: .session),
        spans: chain.spanCount + (direct?.count ?? 0), waited: waited, unattributed: unattributed)
    }
    return emission
  }

  /// Takes note of what remembering a resolved trace costs, and forgets the oldest over a limit.
  func remember(_ entry: TraceEntry.Pointer) {
    let bytes =
      MemoryLayout<TraceEntry>.stride + entry.pointee.known.byteCount + (entry.pointee.identity?.byteCount ?? 0)
    resolvedBytes += bytes - entry.pointee.rememberedBytes
    entry.pointee.rememberedBytes = bytes
    while resolved.count > settings.maxResolvedPerShard || resolvedBytes > settings.maxResolvedBytesPerShard,
      let first = resolved.first, first != entry
    {
      forget(first)
    }
  }

  private func forget(_ entry: TraceEntry.Pointer) {
    resolvedBytes -= entry.pointee.rememberedBytes
    resolved.remove(entry)
    settings.metrics.rememberedTraces.add(-1)
    map.remove(entry, hash: TraceHash.hash(entry.pointee.id, settings.seed))
  }

  /// Begins a short wait, unless the trace is in one.
  func startShortWait(_ entry: TraceEntry.Pointer, _ wait: TraceEntry.ShortWait, now: UInt64) {
    guard entry.pointee.shortWait == .none else { return }
    entry.pointee.shortWait = wait
    switch wait {
    case .none: break
    case .fallback:
      entry.pointee.shortDeadline = now &+ settings.fallbackWait
      fallbackWaits.append(entry)
    case .localRoot:
      entry.pointee.shortDeadline = now &+ settings.localRootWait
      localWaits.append(entry)
    }
  }

  /// Ends the short wait that the trace is in, if any.
  func endShortWait(_ entry: TraceEntry.Pointer) {
    switch entry.pointee.shortWait {
    case .none: break
    case .fallback: fallbackWaits.remove(entry)
    case .localRoot: localWaits.remove(entry)
    }
    entry.pointee.shortWait = .none
  }
}
