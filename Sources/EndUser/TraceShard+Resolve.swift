import OTLP
import SelfTelemetry
import Synchronization

/// How traces are resolved, and when.
extension TraceShard {
  /// Resolves what has waited long enough and forgets what was remembered long enough. Does a bounded part at a time.
  ///
  /// `horizon` is what a replay has come to: waits of replayed traces end, and remembered ones are forgotten, as of then if
  /// that is earlier (see `TraceTable.replay`). Returns whether more is due.
  func sweep(now: UInt64, horizon: UInt64, into emissions: inout [Emission]) -> Bool {
    var budget = 256
    endWaits(\.live, until: now, now: now, &budget, into: &emissions)
    endWaits(\.replayed, until: min(now, horizon), now: now, &budget, into: &emissions)
    forgetResolved(until: min(now, horizon), &budget)
    return budget == 0
  }

  /// The same for a replay that has come to `horizon`, of what earlier runs left.
  func sweepReplayed(until horizon: UInt64, now: UInt64, into emissions: inout [Emission]) -> Bool {
    var budget = 256
    endWaits(\.replayed, until: horizon, now: now, &budget, into: &emissions)
    forgetResolved(until: horizon, &budget)
    return budget == 0
  }

  private func endWaits(
    _ lane: KeyPath<WaitLists, WaitLists.Lane>, until time: UInt64, now: UInt64, _ budget: inout Int,
    into emissions: inout [Emission]
  ) {
    func isDue(_ entry: TraceEntry.Pointer?, _ deadline: (TraceEntry.Pointer) -> UInt64) -> TraceEntry.Pointer? {
      guard budget > 0, let entry, deadline(entry) <= time else { return nil }
      budget -= 1
      return entry
    }
    while let entry = isDue(waits[keyPath: lane].fallback.first, \.pointee.shortDeadline) {
      emissions.append(resolveWithoutRoot(entry, .anonymousRoot, now: now))
    }
    while let entry = isDue(waits[keyPath: lane].local.first, \.pointee.shortDeadline) {
      emissions.append(resolveWithoutRoot(entry, .rootWait, now: now))
    }
    while let entry = isDue(waits[keyPath: lane].waiting.first, { $0.pointee.since &+ settings.rootWait }) {
      emissions.append(resolveWithoutRoot(entry, .rootWait, now: now))
    }
  }

  /// Resolves the trace that waits longest; nil when none waits.
  func resolveOldest(_ reason: Unattributed, now: UInt64) -> Emission? {
    waits.first.map { resolveWithoutRoot($0, reason, now: now) }
  }

  func publishOldest() {
    oldest.store(waits.first?.pointee.since ?? .max, ordering: .relaxed)
    oldestInMemory.store(spillable.first?.pointee.canSpillSince ?? .max, ordering: .relaxed)
  }

  /// Resolves a trace that no root with an end user has come for, by the best that is known.
  func resolveWithoutRoot(_ entry: TraceEntry.Pointer, _ reason: Unattributed, now: UInt64) -> Emission {
    guard entry.pointee.known.count > 0 else { return releaseLogsAlone(entry) }
    let identity = identityWithoutRoot(entry)
    let isAttributed = identity?.hasEndUser ?? false
    return resolve(entry, as: identity, unattributed: isAttributed ? nil : reason, now: now)
  }

  /// Makes a trace's spans leave. `direct` are spans that leave without having waited.
  func resolve(
    _ entry: TraceEntry.Pointer, as identity: Identity?, unattributed: Unattributed? = nil, now: UInt64,
    direct: News? = nil
  ) -> Emission {
    let chain = takeWaiting(of: entry)
    // Another thread may have read the clock earlier and come later.
    let waited = now > entry.pointee.since ? now - entry.pointee.since : 0
    entry.pointee.anonymousRoot = nil
    entry.pointee.rootOrigin = nil
    entry.pointee.identity = identity
    entry.pointee.state = .resolved
    entry.pointee.since = now
    resolved.append(entry)
    settings.metrics.rememberedTraces.add(1)
    takeDown(entry, now: now)
    remember(entry)

    if let unattributed {
      settings.metrics.unattributed[unattributed]?.add()
    } else if let identity {
      settings.metrics.resolved[identity.source]?.add()
    }
    var emission = Emission(trace: entry.pointee.id, identity: identity, waiting: chain, direct: direct?.first ?? -1)
    if settings.tellsResolutions {
      emission.resolution = Resolution(
        traceID: entry.pointee.id, endUser: identity?.text(of: .endUserID), session: identity?.text(of: .session),
        spans: chain.spanCount - chain.logCount + (direct?.count ?? 0), waited: waited, unattributed: unattributed)
    }
    return emission
  }

  /// Ends a trace's waits.
  ///
  /// - Returns: what has waited.
  func takeWaiting(of entry: TraceEntry.Pointer) -> WaitingChain {
    let chain = entry.pointee.waiting
    if !chain.isEmpty {
      waits.remove(entry)
      settings.metrics.waitingTraces.add(-1)
      settings.metrics.waitingSpans.add(chain.logCount - chain.spanCount)
      if chain.logCount > 0 { settings.metrics.waitingLogRecords.add(-chain.logCount) }
      settings.metrics.waitingSpansOnDisk.add(-chain.spilledSpanCount)
      settings.metrics.waitingBytes.add(-chain.byteCount)
    }
    waits.endShortWait(of: entry)
    withdrawFromSpilling(entry)
    entry.pointee.waiting = WaitingChain()
    return chain
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

  private func forgetResolved(until time: UInt64, _ budget: inout Int) {
    while budget > 0, let entry = resolved.first, entry.pointee.since &+ settings.resolvedFor <= time {
      budget -= 1
      forget(entry)
    }
  }

  private func forget(_ entry: TraceEntry.Pointer) {
    resolvedBytes -= entry.pointee.rememberedBytes
    resolved.remove(entry)
    settings.metrics.rememberedTraces.add(-1)
    map.remove(entry, hash: TraceHash.hash(entry.pointee.id, settings.seed ^ entry.pointee.tenant))
  }
}
