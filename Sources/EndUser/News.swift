import OTLP
import SelfTelemetry

/// The spans of one trace that a request brought and nobody had seen, and who among them could speak for the trace.
struct News {
  /// Linked like the request's spans; -1 for none.
  private(set) var first: Int32 = -1
  private(set) var count = 0
  private(set) var duplicates = 0
  /// Without completion markers, which are spans and observe nothing.
  private(set) var observations = 0
  /// Bytes that the spans take in waiting storage.
  private(set) var recordBytes = 0
  /// The first root that names an end user, and the first one that names nobody; -1 for none.
  private(set) var speakingRoot: Int32 = -1
  private(set) var anonymousRoot: Int32 = -1
  private(set) var hasSeveralSpeakingRoots = false
  /// Whether a local root names an end user.
  private(set) var hasLocalSpeaker = false
  /// Whether a span below a root names one in a convention that binds to any span.
  private(set) var hasCandidate = false

  /// Span ids of one trace that are remembered at most; spans beyond them may leave twice.
  private static let maxKnown = 1 << 20

  /// Links the new spans of a trace behind one another; duplicates are left out of the request's links. They are done, since
  /// the span that came first has a unit of its own: a record of the spool comes once in a run.
  init(
    _ trace: RequestTraces.Trace, of request: RequestSpans, known: inout SpanIDSet, settings: TraceTable.Settings
  ) {
    var last: Int32 = -1
    var position = trace.first
    while position >= 0 {
      let following = request.next[Int(position)]
      let id = request.spanID(position)
      // A trace that never ends must not be remembered without end.
      let isNew =
        known.count < Self.maxKnown
        ? known.insert(id, seed: settings.seed) : !known.contains(id, seed: settings.seed)
      if isNew {
        if last >= 0 { request.next[Int(last)] = position } else { first = position }
        last = position
        count += 1
        note(position, of: request, plan: settings.plan)
      } else {
        duplicates += 1
        request.markDone(position)
      }
      position = following
    }
    if last >= 0 { request.next[Int(last)] = -1 }
  }

  @inline(__always)
  private mutating func note(_ position: Int32, of request: RequestSpans, plan: IdentityPlan) {
    let span = request.view(position)
    if !span.marks.contains(.completionMarker) { observations += 1 }
    recordBytes += WaitingBlock.recordSize(length: span.length, attributeCount: span.attributeCount)
    if span.isRoot {
      if !plan.namesEndUser(span, asRoot: true) {
        if anonymousRoot < 0 { anonymousRoot = position }
      } else if speakingRoot < 0 {
        speakingRoot = position
      } else {
        hasSeveralSpeakingRoots = true
      }
    } else if span.attributeCount > 0 {
      if plan.namesEndUser(span, asRoot: false) { hasCandidate = true }
      if span.isLocalRoot, plan.namesEndUser(span, asRoot: true) { hasLocalSpeaker = true }
    }
  }

  @inline(__always)
  func forEach(in request: RequestSpans, _ body: (SpanView) -> Void) {
    request.forEach(from: first, body)
  }

  /// All of them; borrowed.
  func spans(in request: RequestSpans) -> [SpanView] {
    var spans: [SpanView] = []
    forEach(in: request) { spans.append($0) }
    return spans
  }

  /// Counts the roots that name somebody else than the one who speaks for the trace.
  func countConflicts(with identity: Identity, in request: RequestSpans, settings: TraceTable.Settings) {
    guard hasSeveralSpeakingRoots || request.spanID(speakingRoot) != identity.speaker else { return }
    forEach(in: request) { span in
      guard span.isRoot, span.spanID != identity.speaker else { return }
      let parts = settings.plan.rootParts(span)
      guard parts.hasEndUser else { return }
      let other = Identity(source: .root, speaker: span.spanID, parts: parts)
      if !other.hasSameEndUser(as: identity) { settings.metrics.conflictingRoots.add() }
    }
  }
}
