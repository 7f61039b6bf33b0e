import OTLP
import SelfTelemetry

/// What of a shard is left to the disk, and what comes back from it.
extension TraceShard {
  /// Blocks that are spilled under one hold of the lock at most.
  private static let blocksAtOnce = 64

  /// A trace got spans that wait in memory.
  func offerToSpill(_ entry: TraceEntry.Pointer, now: UInt64) {
    guard !entry.pointee.canSpill else { return }
    entry.pointee.canSpill = true
    entry.pointee.canSpillSince = now
    spillable.append(entry)
  }

  /// A trace's spans wait no more, or none of them in memory.
  func withdrawFromSpilling(_ entry: TraceEntry.Pointer) {
    guard entry.pointee.canSpill else { return }
    entry.pointee.canSpill = false
    spillable.remove(entry)
  }

  /// Leaves waiting spans to the spool, those of the traces first that have had some in memory for longest, until no more than
  /// `limit` bytes wait in memory; a bounded part at a time.
  func spill(to limit: Int) {
    var left = Self.blocksAtOnce
    while left > 0, settings.metrics.waitingBytes.value > limit, let entry = spillable.first {
      let bytes = entry.pointee.waiting.byteCount
      let spans = entry.pointee.waiting.spilledSpanCount
      entry.pointee.waiting.spillNext()
      settings.metrics.waitingBytes.add(entry.pointee.waiting.byteCount - bytes)
      settings.metrics.waitingSpansOnDisk.add(entry.pointee.waiting.spilledSpanCount - spans)
      if entry.pointee.waiting.isPassed { withdrawFromSpilling(entry) }
      left -= 1
    }
  }

  /// Notes in the journal what is known of a resolved trace: before its spans leave.
  func takeDown(_ entry: TraceEntry.Pointer, now: UInt64) {
    guard let journal = settings.storage?.journal else { return }
    let since = entry.pointee.since
    journal.append(
      entry.pointee.id, of: entry.pointee.tenant, age: now > since ? now - since : 0, rootSeen: entry.pointee.rootSeen,
      identity: entry.pointee.identity, scratch: &scratch)
  }

  /// Remembers a trace that an earlier run resolved. Of two entries of one trace, the later one counts.
  func restore(_ known: IdentityEntry, hash: UInt64, resolvedAt time: UInt64) {
    if let entry = map.find(known.trace, of: known.tenant, hash: hash) {
      // A trace that waits already knows less, but what waits for it would have to leave: it goes its own way.
      guard entry.pointee.state == .resolved else { return }
      resolved.remove(entry)
      restore(known, to: entry, at: time)
    } else {
      let entry = map.insert(known.trace, of: known.tenant, hash: hash, since: time)
      settings.metrics.rememberedTraces.add(1)
      restore(known, to: entry, at: time)
    }
  }

  private func restore(_ known: IdentityEntry, to entry: TraceEntry.Pointer, at time: UInt64) {
    entry.pointee.state = .resolved
    entry.pointee.since = time
    entry.pointee.rootSeen = known.rootSeen
    entry.pointee.identity = known.identity
    resolved.append(entry)
    remember(entry)
  }
}
