import Locks
import OTLP
import SelfTelemetry
import Synchronization

/// The traces of one part of all trace ids. Every method is called with the shard's lock held.
///
/// This file holds how spans come in; `TraceShard+Logs` how log records do; `TraceShard+Resolve` how traces are resolved, and when; `TraceShard+Speaker` who
/// speaks without a root; `TraceShard+Storage` what is left to the disk, and what comes back from it.
final class TraceShard: @unchecked Sendable {
  // Sendable: everything but `lock` and the atomics is touched only under the lock.
  let lock = Lock()
  /// When the trace that waits longest began, for the table to find it without locks; `.max` when none waits.
  let oldest = Atomic<UInt64>(.max)
  /// Since when the first trace has spans in memory that can be spilled; `.max` when none has.
  let oldestInMemory = Atomic<UInt64>(.max)

  let settings: TraceTable.Settings
  var map = TraceMap()
  var waits = WaitLists()
  /// Traces that have spans in memory which the spool has too: in the order in which they got the first of them.
  var spillable = EntryList.bySpill
  /// Resolved traces, by the time of that.
  var resolved = EntryList.byOrder
  /// What remembering them takes.
  var resolvedBytes = 0
  /// Where an identity is encoded for the journal.
  var scratch: [UInt8] = []

  init(settings: TraceTable.Settings) {
    self.settings = settings
  }

  deinit {
    while let entry = waits.first {
      waits.remove(entry)
      entry.pointee.waiting.free()
    }
    map.destroy()
  }

  /// Takes the spans of one trace that a request brought at that time, and says what leaves.
  func accept(
    _ trace: RequestTraces.Trace, of request: RequestSpans, at time: TraceTable.Time, into emissions: inout [Emission]
  ) {
    let entry =
      map.find(trace.id, of: request.tenant, hash: trace.hash)
      ?? map.insert(trace.id, of: request.tenant, hash: trace.hash, since: time.arrival)
    let isFirst = entry.pointee.known.count == 0
    let news = News(trace, of: request, known: &entry.pointee.known, settings: settings)
    // What is replayed was counted by the run that accepted it.
    let counts = !request.isReplay
    if counts { settings.metrics.duplicateSpans.add(news.duplicates) }
    guard news.count > 0 else { return }
    if counts { settings.metrics.observations.add(news.observations) }

    if entry.pointee.state == .resolved {
      if counts { settings.metrics.lateSpans.add(news.count) }
      learnLate(entry, from: news, of: request, now: time.now)
      emissions.append(Emission(trace: trace.id, identity: entry.pointee.identity, direct: news.first))
      remember(entry)
      return
    }
    if news.speakingRoot >= 0 {
      let root = request.view(news.speakingRoot)
      let identity = Identity(source: .root, speaker: root.spanID, parts: settings.plan.rootParts(root))
      news.countConflicts(with: identity, in: request, settings: settings)
      entry.pointee.rootSeen = true
      emissions.append(resolve(entry, as: identity, now: time.now, direct: news))
      return
    }
    if isFirst { beginAnew(entry, at: time) }
    let block = WaitingBlock(recordBytes: news.recordBytes, record: request.record) { news.forEach(in: request, $0) }
    wait(entry, block, at: time)
    if let emission = decide(entry, news, of: request, at: time) { emissions.append(emission) }
  }

  /// Takes a block of spans or log records that wait.
  func wait(_ entry: TraceEntry.Pointer, _ block: WaitingBlock, at time: TraceTable.Time) {
    if entry.pointee.waiting.isEmpty {
      waits.append(entry, time.lane)
      settings.metrics.waitingTraces.add(1)
    }
    entry.pointee.waiting.append(block)
    (block.isLogs ? settings.metrics.waitingLogRecords : settings.metrics.waitingSpans).add(block.spanCount)
    settings.metrics.waitingBytes.add(block.byteCount)
    if settings.storage != nil { offerToSpill(entry, now: time.now) }
  }

  /// The first spans of a trace whose log records wait: the wait for its root begins.
  private func beginAnew(_ entry: TraceEntry.Pointer, at time: TraceTable.Time) {
    guard !entry.pointee.waiting.isEmpty else { return }
    waits.remove(entry)
    entry.pointee.since = time.arrival
    waits.append(entry, time.lane)
  }

  /// Whether a trace that waits is resolved by what just came.
  private func decide(
    _ entry: TraceEntry.Pointer, _ news: News, of request: RequestSpans, at time: TraceTable.Time
  ) -> Emission? {
    if news.hasCandidate { entry.pointee.hasCandidate = true }
    if news.hasLocalSpeaker { entry.pointee.hasLocalSpeaker = true }
    if news.anonymousRoot >= 0, !entry.pointee.rootSeen {
      let root = request.view(news.anonymousRoot)
      let parts = settings.plan.rootParts(root)
      entry.pointee.rootSeen = true
      entry.pointee.anonymousRoot = (root.spanID, root.scope)
      entry.pointee.rootOrigin = request.origin?.takeUnretainedValue()
      entry.pointee.state = .anonymous
      entry.pointee.identity = parts.isEmpty ? nil : Identity(source: .none, speaker: root.spanID, parts: parts)
      waits.endShortWait(of: entry)
    }
    if entry.pointee.state == .anonymous {
      let canSpeak = settings.fallback == .topmost && settings.fallbackWait > 0
      if entry.pointee.hasCandidate || !canSpeak { return resolveWithoutRoot(entry, .anonymousRoot, now: time.now) }
      waits.start(.fallback, of: entry, until: time.arrival &+ settings.fallbackWait, time.lane)
    } else if news.hasLocalSpeaker {
      waits.start(.localRoot, of: entry, until: time.arrival &+ settings.localRootWait, time.lane)
    }
    guard entry.pointee.waiting.spanCount >= settings.maxSpansPerTrace else { return nil }
    return resolveWithoutRoot(entry, .maxSpansPerTrace, now: time.now)
  }

  /// What a resolved trace learns from late spans.
  private func learnLate(_ entry: TraceEntry.Pointer, from news: News, of request: RequestSpans, now: UInt64) {
    let before = (entry.pointee.identity, entry.pointee.rootSeen)
    defer {
      if entry.pointee.identity !== before.0 || entry.pointee.rootSeen != before.1 { takeDown(entry, now: now) }
    }
    if news.speakingRoot >= 0 {
      let root = request.view(news.speakingRoot)
      if let known = entry.pointee.identity, known.source == .root {
        news.countConflicts(with: known, in: request, settings: settings)
      } else {
        let identity = Identity(source: .root, speaker: root.spanID, parts: settings.plan.rootParts(root))
        news.countConflicts(with: identity, in: request, settings: settings)
        entry.pointee.identity = identity
        settings.metrics.lateIdentities.add()
      }
    } else if news.anonymousRoot >= 0, !entry.pointee.rootSeen {
      let root = request.view(news.anonymousRoot)
      let known = entry.pointee.identity
      var parts = settings.plan.rootParts(root)
      parts.fill(from: IdentityParts(known, limit: settings.plan.maxBytes))
      if !parts.isEmpty {
        entry.pointee.identity = Identity(
          source: known?.source ?? .none, speaker: known?.speaker ?? root.spanID, parts: parts)
      }
    }
    if !(entry.pointee.identity?.hasEndUser ?? false) { learnFromOthers(entry, from: news, of: request) }
    if news.speakingRoot >= 0 || news.anonymousRoot >= 0 { entry.pointee.rootSeen = true }
  }

  /// A late span below the root that names the end user of a trace that has none, else the resource of its late root.
  private func learnFromOthers(_ entry: TraceEntry.Pointer, from news: News, of request: RequestSpans) {
    let plan = settings.plan
    var parts = IdentityParts(entry.pointee.identity, limit: plan.maxBytes)
    var source: Identity.Source
    let speaker: SpanView
    if news.hasLocalSpeaker, !entry.pointee.rootSeen, news.anonymousRoot < 0,
      let local = Topmost.choose(
        among: news.spans(in: request), where: { $0.isLocalRoot && plan.namesEndUser($0, asRoot: true) })
    {
      (source, speaker) = (.localRoot, local)
      parts.fill(from: plan.rootParts(local))
    } else if settings.fallback == .topmost, news.hasCandidate,
      let topmost = Topmost.choose(
        among: news.spans(in: request), where: { !$0.isRoot && plan.namesEndUser($0, asRoot: false) })
    {
      (source, speaker) = (.topmost, topmost)
      parts.fill(from: plan.candidateParts(topmost))
    } else if news.anonymousRoot >= 0, !entry.pointee.rootSeen {
      (source, speaker) = (.resource, request.view(news.anonymousRoot))
      parts.fill(from: plan.resourceParts(speaker.scope.takeUnretainedValue().resource))
      if !parts.hasEndUser {
        source = .header
        parts.fill(from: plan.headerParts(request.origin?.takeUnretainedValue()))
      }
    } else {
      return
    }
    guard parts.hasEndUser else { return }
    entry.pointee.identity = Identity(source: source, speaker: speaker.spanID, parts: parts)
    settings.metrics.lateIdentities.add()
  }
}
