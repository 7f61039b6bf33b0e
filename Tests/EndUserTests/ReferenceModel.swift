import EndUser
import TestSupport

/// How identity is decided, said again as simply as can be: one trace at a time, from whole lists, without any of the
/// processor's code. It knows a few keys of each kind.
struct ReferenceModel {
  /// In the order in which a root is asked.
  static let idKeys = ["neatlogs.end_user.id", "enduser.id", "user.id"]
  static let metadataKey = "neatlogs.end_user.metadata"
  static let sessionKeys = ["neatlogs.session.id", "langfuse.session.id", "session.id"]
  static let inherited = "tier"
  static let resourceKeys = ["neatlogs.end_user.id", "enduser.id"]
  private static let onlyEndUser = ["neatlogs.end_user.id", "enduser.id", metadataKey]

  struct Configuration {
    var fallsBack = true
    var maxSpansPerTrace = Int.max
    var rootWait = Duration.seconds(300)
    let fallbackWait = Duration.seconds(2)
    let localRootWait = Duration.seconds(10)
    let resolvedFor = Duration.seconds(3600)
  }

  enum Role { case id, metadata, session, inherited }

  enum Source { case root, localRoot, topmost, resource, nobody }

  struct Identity {
    var source: Source
    var speaker: UInt64
    var parts: [(role: Role, attribute: StubAttribute)]

    var hasEndUser: Bool { parts.contains { $0.role == .id } }
  }

  private enum State {
    case collecting
    case anonymous(until: Duration)
    case resolved(at: Duration)
  }

  private struct Trace {
    var began: Duration
    var state = State.collecting
    var localDeadline: Duration?
    var rootSeen = false
    var ids: Set<UInt64> = []
    var spans: [SpanStub] = []
    var waiting: [SpanStub] = []
    var identity: Identity?
  }

  let configuration: Configuration
  private(set) var now = Duration.zero
  private var traces: [UInt64: Trace] = [:]
  /// What has left: the attributes of each span, in the order of leaving.
  private(set) var left: [(span: SpanStub, attributes: [StubAttribute])] = []
  private(set) var unattributed = 0
  private(set) var duplicates = 0

  init(_ configuration: Configuration) { self.configuration = configuration }

  // MARK: Events

  mutating func receive(_ spans: [SpanStub]) {
    for (id, spans) in Dictionary(grouping: spans, by: \.trace) {
      var trace = traces[id] ?? Trace(began: now)
      var news: [SpanStub] = []
      for span in spans {
        if trace.ids.insert(span.id).inserted { news.append(span) } else { duplicates += 1 }
      }
      trace.spans += news
      if !news.isEmpty { receive(news, of: &trace) }
      traces[id] = trace
    }
  }

  private mutating func receive(_ news: [SpanStub], of trace: inout Trace) {
    let root = news.first { $0.parent == 0 && Self.names(rootParts($0)) }
    let anonymousRoot = trace.rootSeen ? nil : news.first { $0.parent == 0 && !Self.names(rootParts($0)) }
    if case .resolved = trace.state {
      learn(root: root, anonymousRoot: anonymousRoot, news, &trace)
      for span in news { leave(span, trace.identity) }
      return
    }
    trace.waiting += news
    if let root {
      trace.rootSeen = true
      resolve(&trace, Identity(source: .root, speaker: root.id, parts: rootParts(root)))
      return
    }
    if let anonymousRoot {
      trace.rootSeen = true
      trace.state = .anonymous(until: now + configuration.fallbackWait)
      let parts = rootParts(anonymousRoot)
      if !parts.isEmpty { trace.identity = Identity(source: .nobody, speaker: anonymousRoot.id, parts: parts) }
    }
    if case .anonymous = trace.state {
      if !configuration.fallsBack || trace.waiting.contains(where: isCandidate) { return giveUp(&trace) }
    } else if trace.localDeadline == nil, news.contains(where: isLocalSpeaker) {
      trace.localDeadline = now + configuration.localRootWait
    }
    if trace.waiting.count >= configuration.maxSpansPerTrace { giveUp(&trace) }
  }

  mutating func pass(_ duration: Duration) {
    now += duration
    for (id, trace) in traces {
      var trace = trace
      switch trace.state {
      case .anonymous(let deadline) where deadline <= now: giveUp(&trace)
      case .collecting where trace.localDeadline.map({ $0 <= now }) ?? false: giveUp(&trace)
      case .collecting where trace.began + configuration.rootWait <= now: giveUp(&trace)
      default: break
      }
      traces[id] = trace
      if case .resolved(let since) = trace.state, since + configuration.resolvedFor <= now { traces[id] = nil }
    }
  }

  mutating func stop() {
    for (id, trace) in traces where !trace.waiting.isEmpty {
      var trace = trace
      giveUp(&trace)
      traces[id] = trace
    }
  }

  // MARK: Who speaks

  /// No root that names anybody came in time: the best that is known speaks.
  private mutating func giveUp(_ trace: inout Trace) {
    let waiting = trace.waiting
    let identity: Identity?
    if case .anonymous = trace.state {
      identity = underAnonymousRoot(trace)
    } else if let local = topmost(waiting.filter(isLocalSpeaker), among: waiting) {
      identity = Identity(source: .localRoot, speaker: local.id, parts: rootParts(local))
    } else {
      let speaker = configuration.fallsBack ? topmost(waiting.filter(isCandidate), among: waiting) : nil
      identity = speaker.map { Identity(source: .topmost, speaker: $0.id, parts: parts(of: $0, asRoot: false)) }
    }
    if identity?.hasEndUser != true { unattributed += 1 }
    resolve(&trace, identity)
  }

  private func underAnonymousRoot(_ trace: Trace) -> Identity? {
    let said = trace.identity?.parts ?? []
    let candidates = configuration.fallsBack ? trace.waiting.filter(isCandidate) : []
    if let speaker = topmost(candidates, among: trace.waiting) {
      let parts = Self.filled(said, from: parts(of: speaker, asRoot: false))
      return Identity(source: .topmost, speaker: speaker.id, parts: parts)
    }
    guard let root = trace.waiting.first(where: { $0.parent == 0 }),
      let own = Self.first(of: Self.resourceKeys, in: root.resource)
    else { return trace.identity }
    return Identity(source: .resource, speaker: root.id, parts: Self.filled(said, from: [(.id, own)]))
  }

  /// Spans that come after a trace was resolved may still say who it belongs to.
  private func learn(root: SpanStub?, anonymousRoot: SpanStub?, _ news: [SpanStub], _ trace: inout Trace) {
    if let root {
      if trace.identity?.source != .root {
        trace.identity = Identity(source: .root, speaker: root.id, parts: rootParts(root))
      }
    } else if let anonymousRoot {
      let parts = Self.filled(rootParts(anonymousRoot), from: trace.identity?.parts ?? [])
      if !parts.isEmpty {
        trace.identity = Identity(
          source: trace.identity?.source ?? .nobody, speaker: trace.identity?.speaker ?? anonymousRoot.id, parts: parts)
      }
    }
    let hadRoot = trace.rootSeen
    if root != nil || anonymousRoot != nil { trace.rootSeen = true }
    guard trace.identity?.hasEndUser != true else { return }
    let known = trace.identity?.parts ?? []
    if !trace.rootSeen, let local = topmost(news.filter(isLocalSpeaker), among: news) {
      trace.identity = Identity(
        source: .localRoot, speaker: local.id, parts: Self.filled(known, from: rootParts(local)))
    } else if configuration.fallsBack, let speaker = topmost(news.filter(isCandidate), among: news) {
      trace.identity = Identity(
        source: .topmost, speaker: speaker.id, parts: Self.filled(known, from: parts(of: speaker, asRoot: false)))
    } else if !hadRoot, let anonymousRoot, let own = Self.first(of: Self.resourceKeys, in: anonymousRoot.resource) {
      trace.identity = Identity(
        source: .resource, speaker: anonymousRoot.id, parts: Self.filled(known, from: [(.id, own)]))
    }
  }

  private func isCandidate(_ span: SpanStub) -> Bool {
    span.parent != 0 && Self.names(parts(of: span, asRoot: false))
  }

  private func isLocalSpeaker(_ span: SpanStub) -> Bool {
    span.parent != 0 && span.flags & 0x300 == 0x300 && Self.names(parts(of: span, asRoot: true))
  }

  /// The span with the fewest known parents above it, then the earliest, then the one with the smallest id.
  private func topmost(_ candidates: [SpanStub], among all: [SpanStub]) -> SpanStub? {
    let parents = Dictionary(uniqueKeysWithValues: all.map { ($0.id, $0.parent) })
    func depth(_ span: SpanStub) -> Int {
      span.parent == 0 || parents[span.parent] == nil ? 0 : 1 + depth(of: span.parent)
    }
    func depth(of id: UInt64) -> Int {
      guard let parent = parents[id], parents[parent] != nil else { return 0 }
      return 1 + depth(of: parent)
    }
    return candidates.min { (depth($0), $0.start, $0.id) < (depth($1), $1.start, $1.id) }
  }

  // MARK: What a span says

  private func rootParts(_ root: SpanStub) -> [(role: Role, attribute: StubAttribute)] {
    var parts = parts(of: root, asRoot: true)
    for attribute in root.attributes where attribute.key == Self.inherited {
      if !parts.contains(where: { $0.attribute.key == attribute.key }) { parts.append((.inherited, attribute)) }
    }
    return parts
  }

  private func parts(of span: SpanStub, asRoot: Bool) -> [(role: Role, attribute: StubAttribute)] {
    let isNeatlogs = span.scope.hasPrefix("neatlogs") || span.attributes.contains { $0.key.hasPrefix("neatlogs.") }
    func first(_ keys: [String]) -> StubAttribute? {
      let mayCount = keys.filter { (asRoot || !$0.hasPrefix("neatlogs.")) && !($0 == "user.id" && isNeatlogs) }
      return Self.first(of: mayCount, in: span.attributes)
    }
    let found: [(Role, StubAttribute?)] = [
      (.id, first(Self.idKeys)), (.metadata, first([Self.metadataKey])), (.session, first(Self.sessionKeys)),
    ]
    return found.compactMap { role, attribute in attribute.map { (role, $0) } }
  }

  /// The first key in its order that has a value which says something.
  private static func first(of keys: [String], in attributes: [StubAttribute]) -> StubAttribute? {
    for key in keys {
      for attribute in attributes where attribute.key == key {
        switch attribute.value {
        case .string(let text) where !text.isEmpty: return attribute
        case .int: return attribute
        default: continue
        }
      }
    }
    return nil
  }

  private static func names(_ parts: [(role: Role, attribute: StubAttribute)]) -> Bool {
    parts.contains { $0.role == .id }
  }

  /// The parts, and from others what they lack: roles, and inherited attributes.
  private static func filled(
    _ parts: [(role: Role, attribute: StubAttribute)], from others: [(role: Role, attribute: StubAttribute)]
  ) -> [(role: Role, attribute: StubAttribute)] {
    parts
      + others.filter { other in
        (other.role == .inherited || !parts.contains { $0.role == other.role })
          && !parts.contains { $0.attribute.key == other.attribute.key }
      }
  }

  // MARK: What leaves

  private mutating func resolve(_ trace: inout Trace, _ identity: Identity?) {
    trace.identity = identity
    trace.state = .resolved(at: now)
    trace.localDeadline = nil
    for span in trace.waiting { leave(span, identity) }
    trace.waiting = []
  }

  private mutating func leave(_ span: SpanStub, _ identity: Identity?) {
    left.append((span, Self.attributes(of: span, under: identity)))
  }

  /// How the spans of resolved traces would leave now: so may those leave that leave again.
  var leavingAgain: [(span: SpanStub, attributes: [StubAttribute])] {
    traces.values.flatMap { trace -> [(span: SpanStub, attributes: [StubAttribute])] in
      guard case .resolved = trace.state else { return [] }
      return trace.spans.map { ($0, Self.attributes(of: $0, under: trace.identity)) }
    }
  }

  private static func attributes(of span: SpanStub, under identity: Identity?) -> [StubAttribute] {
    guard let identity else { return span.attributes }
    let speaksAsRoot =
      switch identity.source {
      case .root, .localRoot: span.id == identity.speaker
      case .nobody: span.id == identity.speaker && span.parent == 0
      case .topmost, .resource: false
      }
    if speaksAsRoot { return span.attributes }
    let keys = identity.parts.map(\.attribute.key)
    let kept = span.attributes.filter {
      !keys.contains($0.key) && !(identity.hasEndUser && onlyEndUser.contains($0.key))
    }
    return kept + identity.parts.map(\.attribute)
  }
}
