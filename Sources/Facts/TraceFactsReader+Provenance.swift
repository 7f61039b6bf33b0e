import EndUser

/// Why a trace is whose it is.
extension TraceFactsReader {
  /// Where the identity of a trace comes from, by `SpanRecord`s behind one another.
  package mutating func explain(_ records: UnsafeRawBufferPointer) -> Provenance {
    let spans = gather(records)
    return explain(spans)
  }

  private func explain(_ spans: Spans) -> Provenance {
    let claims = spans.indices.map { SpanClaims(spans[$0]) }
    let speakers = speakers(of: spans)
    var provenance = Provenance()
    provenance.hasRoot = speakers.hasRoot
    func origin(_ place: Int, _ role: Conventions.Role) -> Provenance.Origin {
      let chosen = claims[place].claims.first { $0.isChosen && $0.role == role }
      var origin = Provenance.Origin(speakers.source(of: place, spans))
      // A resource names the end user alone.
      if role != .endUserID, origin.source == .resource { origin.source = .root }
      origin.span = spans[place].spanID
      origin.key = chosen?.key
      origin.accepted = claims[place].claims.isEmpty ? nil : claims[place].accepted
      return origin
    }
    if let place = speakers.endUser {
      provenance.endUserID = String(decoding: spans[place].endUser, as: UTF8.self)
      provenance.endUser = origin(place, .endUserID)
    }
    if let place = speakers.metadata { provenance.metadata = origin(place, .endUserMetadata) }
    if let place = speakers.session {
      provenance.sessionID = String(decoding: spans[place].session, as: UTF8.self)
      provenance.session = origin(place, .session)
    }
    provenance.isComplete = !spans.indices.contains { place in
      claims[place].claims.isEmpty && !(spans[place].endUser.isEmpty && spans[place].session.isEmpty)
    }
    if speakers.endUser == nil {
      provenance.unattributed = Self.reason(claims, isAnybodyNamed: spans.contains { !$0.endUser.isEmpty })
    }
    let handedDown = HandedDown(spans, claims, speakers)
    for place in spans.indices {
      // What a resource says stands on no span.
      let isResources = spans[place].flags.contains(.endUserFromResource)
      let own = claims[place].claims.filter { !(isResources && $0.isChosen && $0.role == .endUserID) }
      sort(own, of: spans[place].spanID, at: place, handedDown, into: &provenance)
    }
    return provenance
  }

  /// Why nobody speaks.
  private static func reason(_ claims: [SpanClaims], isAnybodyNamed: Bool) -> Provenance.Reason {
    if isAnybodyNamed { return .fallbackNone }
    let faults = Set(claims.flatMap(\.claims).filter { $0.role == .endUserID }.compactMap(\.fault))
    if !faults.isDisjoint(with: [.empty, .tooLong, .wrongType]) { return .unusableValue }
    if faults.contains(.bindsToRoots) { return .belowRoot }
    return faults.contains(.meansOperator) ? .onlyOperator : .nobodyNamed
  }

  /// Says what became of a span's claims, but for those that say what the trace does.
  private func sort(
    _ claims: [SpanClaim], of span: UInt64, at place: Int, _ handedDown: HandedDown, into provenance: inout Provenance
  ) {
    for claim in claims {
      if handedDown.untouched != place {
        // An attribute may have two roles, and is replaced once.
        if let last = provenance.replaced.last, last.span == span, last.key == claim.key, last.value == claim.value {
          continue
        }
        switch handedDown.fate(of: claim) {
        case .stays: break
        case .replaced(let value):
          provenance.replaced.append(
            Provenance.Replaced(
              span: span, role: claim.role, key: claim.key, value: claim.value, replacement: value))
          continue
        }
      }
      if let reason = reason(claim, of: span, at: place, handedDown, provenance) {
        provenance.unused.append(
          Provenance.Unused(span: span, role: claim.role, key: claim.key, value: claim.value, reason: reason))
      }
    }
  }

  /// Why a claim that stays where it is has no effect; nil where it says what the trace does.
  private func reason(
    _ claim: SpanClaim, of span: UInt64, at place: Int, _ handedDown: HandedDown, _ provenance: Provenance
  ) -> Provenance.Unused.Reason? {
    switch claim.fault {
    case .empty: return .empty
    case .tooLong: return .tooLong
    case .wrongType: return .wrongType
    case .bindsToRoots: return .belowRoot
    case .meansOperator: return .isOperator
    case nil: break
    }
    if handedDown.says(claim) { return nil }
    switch claim.role {
    case .endUserID, .session:
      guard let known = claim.role == .session ? provenance.sessionID : provenance.endUserID else {
        return .fallbackNone
      }
      if known == claim.value { return nil }
    case .endUserMetadata:
      if claim.isChosen, provenance.metadata?.span == span { return nil }
    }
    return handedDown.speakers.contains(place) ? .laterKey : .kept
  }
}

/// What the spans of a trace inherit, as the `enduser` processor puts it together.
private struct HandedDown {
  enum Fate {
    case stays
    /// By a value, or by nothing.
    case replaced(String?)
  }

  private var fields: [SpanClaim] = []
  private let hasEndUser: Bool
  /// The span that leaves as it came.
  private(set) var untouched: Int?
  /// Those that the fields are from.
  private(set) var speakers: [Int] = []

  init(_ spans: TraceFactsReader.Spans, _ claims: [SpanClaims], _ chosen: TraceFactsReader.Speakers) {
    let source = chosen.endUser.map { chosen.source(of: $0, spans) }
    // An older record doesn't say under which key the end user is: what that replaces is unknown.
    hasEndUser = chosen.endUser.map { !claims[$0].claims.isEmpty } ?? false
    if let place = chosen.endUser, source == .root || source == .localRoot {
      add(claims[place], of: place)
      untouched = place
      return
    }
    // A root that names nobody may still say the rest.
    if let root = spans.firstIndex(where: \.isRoot) {
      add(claims[root], of: root, without: .endUserID)
      if chosen.endUser == nil { untouched = root }
    }
    if let place = chosen.endUser { add(claims[place], of: place) }
  }

  /// Adds what a span says in roles that nothing fills yet.
  private mutating func add(_ claims: SpanClaims, of place: Int, without left: Conventions.Role? = nil) {
    let known = fields
    for claim in claims.claims where claim.role != left && Self.isHandedDown(claim) {
      let isTaken = known.contains { $0.key == claim.key } || fields.contains { $0.role == claim.role }
      if !isTaken { fields.append(claim) }
    }
    speakers.append(place)
  }

  /// To hand metadata down, the processor doesn't need to read it.
  private static func isHandedDown(_ claim: SpanClaim) -> Bool {
    guard claim.form == .text || claim.form == .int else { return false }
    return claim.isChosen || claim.role == .endUserMetadata && claim.fault == .wrongType
  }

  func fate(of claim: SpanClaim) -> Fate {
    if let field = fields.first(where: { $0.key == claim.key }) {
      return Self.areSame(field, claim) ? .stays : .replaced(field.value)
    }
    let onlyEndUser = Conventions.key(claim.key, claim.role).onlyEndUser && claim.key != "posthog.distinct_id"
    return hasEndUser && onlyEndUser ? .replaced(nil) : .stays
  }

  /// Whether a claim is one of those that are handed down, or says the same.
  func says(_ claim: SpanClaim) -> Bool { fields.contains { $0.role == claim.role && Self.areSame($0, claim) } }

  private static func areSame(_ one: SpanClaim, _ other: SpanClaim) -> Bool {
    one.form == other.form && one.isCut == other.isCut && one.value == other.value
  }
}
