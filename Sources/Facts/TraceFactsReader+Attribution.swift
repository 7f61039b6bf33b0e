import EndUser

/// Whose a trace is, and how it is called.
extension TraceFactsReader {
  /// Places of the spans that say whose a trace is.
  struct Speakers {
    var hasRoot: Bool
    var endUser: Int?
    var metadata: Int?
    var session: Int?

    /// Why a span speaks.
    func source(of place: Int, _ spans: Spans) -> Provenance.Source {
      if spans[place].isRoot { return spans[place].flags.contains(.endUserFromResource) ? .resource : .root }
      return !hasRoot && spans[place].isLocalRoot ? .localRoot : .topmost
    }
  }

  func speakers(of spans: Spans) -> Speakers {
    let hasRoot = spans.contains(where: \.isRoot)
    let named = speaker(of: spans, hasRoot: hasRoot) {
      !spans[$0].endUser.isEmpty && !spans[$0].flags.contains(.endUserFromResource)
    }
    let endUser = named ?? spans.firstIndex { $0.isRoot && !$0.endUser.isEmpty }
    return Speakers(
      hasRoot: hasRoot, endUser: endUser, metadata: endUser.flatMap { metadata(of: spans, besideEndUserOf: $0) },
      session: speaker(of: spans, hasRoot: hasRoot) { !spans[$0].session.isEmpty })
  }

  /// A root that names nobody still hands its metadata down; else whoever names the end user says it.
  private func metadata(of spans: Spans, besideEndUserOf speaker: Int) -> Int? {
    if !spans[speaker].isRoot, let root = spans.firstIndex(where: { $0.isRoot && !$0.metadata.isEmpty }) { return root }
    return spans[speaker].metadata.isEmpty ? nil : speaker
  }

  func attribute(_ spans: Spans, _ facts: inout TraceFacts) {
    let speakers = speakers(of: spans)
    if let place = speakers.endUser { facts.endUser = spans[place].endUser }
    if let place = speakers.metadata { facts.metadata = spans[place].metadata }
    if let place = speakers.session { facts.session = spans[place].session }
    if let name = Self.name(of: spans) { facts.name = name }
  }

  /// The span that speaks for a trace, of those that claim something, as the `enduser` processor chooses: a root, of several the
  /// first; where none has come a local root; else, with the fallback, any span.
  private func speaker(of spans: Spans, hasRoot: Bool, _ claims: (Int) -> Bool) -> Int? {
    if let root = spans.indices.first(where: { spans[$0].isRoot && claims($0) }) { return root }
    if !hasRoot, let local = topmost(of: spans, { spans[$0].isLocalRoot && claims($0) }) { return local }
    return fallback == .topmost ? topmost(of: spans, claims) : nil
  }

  /// Of the spans that qualify the one with the fewest known spans above it, then the earliest, then that with the smallest id.
  private func topmost(of spans: Spans, _ qualifies: (Int) -> Bool) -> Int? {
    var candidates = spans.indices.lazy.filter(qualifies).makeIterator()
    guard var best = candidates.next() else { return nil }
    guard let second = candidates.next() else { return best }
    let depths = tree.depths
    func rank(_ place: Int) -> (Int32, UInt64, UInt64) {
      (depths[place], spans[place].start, spans[place].spanID.byteSwapped)
    }
    if rank(second) < rank(best) { best = second }
    while let other = candidates.next() {
      if rank(other) < rank(best) { best = other }
    }
    return best
  }

  /// What a root says that it is part of, else what any span does, the earliest first; else how a root is called, or what
  /// stands for one.
  private static func name(of spans: Spans) -> SpanFacts.Text? {
    var named: Int?
    for place in spans.indices where !spans[place].workflow.isEmpty {
      if spans[place].isRoot { return spans[place].workflow }
      guard let earliest = named else {
        named = place
        continue
      }
      if (spans[place].start, spans[place].spanID) < (spans[earliest].start, spans[earliest].spanID) { named = place }
    }
    if let named { return spans[named].workflow }
    let root =
      spans.indices.first { spans[$0].isRoot && !spans[$0].name.isEmpty }
      ?? spans.indices.first { spans[$0].isLocalRoot && !spans[$0].name.isEmpty }
    return root.map { spans[$0].name }
  }
}

extension SpanFacts {
  var isRoot: Bool { !flags.contains(.hasParent) }
  fileprivate var isLocalRoot: Bool { !flags.isDisjoint(with: [.remoteParent, .applicationRoot]) }
}
