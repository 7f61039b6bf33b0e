import EndUser
package import OTLP

/// Finds out what spans say. Holds scratch memory; not to be used by two threads at once.
package struct FactsExtractor {
  private let plan: FactsPlan
  private let reader: SpanReader
  private var attributes: AttributeFacts
  /// What the span whose facts were lent last says that somebody thinks of it, where the plan wants scores.
  package private(set) var scores: [Score] = []

  /// When the request of the spans was accepted, in nanoseconds since the Unix epoch; nil where nobody wants to know what spans
  /// claim.
  package var acceptance: UInt64? {
    get { attributes.acceptance }
    set { attributes.acceptance = newValue }
  }

  package init(plan: FactsPlan) {
    self.plan = plan
    reader = SpanReader(rules: plan.keys)
    attributes = AttributeFacts(plan: plan)
  }

  /// Lends the facts of the span at a position of the batch. Text is valid within `body`.
  package mutating func extract(_ batch: SpanBatch, at position: Int, _ body: (borrowing SpanFacts) -> Void) {
    let span = batch.index.spans[position]
    let payload = UnsafeRawBufferPointer(start: batch.payload(of: span), count: Int(span.length))
    // Retaining what others refer to weakly is slow: only for roots.
    let resource = span.isRoot ? batch.scopes[Int(span.scope)].resource : nil
    extract(span, payload, resource: resource, body)
  }

  /// Lends the facts of a span that lies anywhere, indexed by the rules that the plan was made with. Text is valid within
  /// `body`.
  package mutating func extract(
    _ span: SpanEntry, payload: UnsafeRawBufferPointer, scope: Scope, _ body: (borrowing SpanFacts) -> Void
  ) {
    extract(span, payload, resource: span.isRoot ? scope.resource : nil, body)
  }

  @inline(__always)
  private mutating func extract(
    _ span: SpanEntry, _ payload: UnsafeRawBufferPointer, resource: Resource?, _ body: (borrowing SpanFacts) -> Void
  ) {
    reader.read(payload)
    let facts = attributes.begin()
    facts.pointee.trace = span.traceID
    facts.pointee.spanID = span.spanID
    facts.pointee.parentID = span.parentID
    // Of a span that doesn't say when it began, its end is all that is known.
    facts.pointee.start = span.start == 0 ? reader.end : span.start
    facts.pointee.end = max(span.start, reader.end)
    facts.pointee.flags = Self.flags(span.marks)
    facts.pointee.name = reader.name.prefix(upToCharacterAt: Self.mostTextBytes)
    facts.pointee.statusMessage = reader.statusMessage.prefix(upToCharacterAt: Self.mostTextBytes)
    if reader.statusCode == Self.errorCode { facts.pointee.flags.insert(.isError) }
    attributes.read(reader.attributes, of: payload, span.marks, resource: resource, body)
    if plan.readsScores { readScores(of: facts) }
  }

  @inline(__always)
  private mutating func readScores(of facts: UnsafeMutablePointer<SpanFacts>) {
    if !scores.isEmpty { scores.removeAll() }
    if !attributes.annotations.isEmpty { attributes.annotations.append(to: &scores, of: facts.pointee) }
    let events = reader.events
    if !events.isEmpty { EvaluationResult.forEach(inEvents: events, of: facts.pointee) { scores.append($0) } }
  }

  /// Lends the facts of attributes that a trace hands down to its spans: whole `attributes` fields of a `Span` message,
  /// behind one another. Text is valid within `body`.
  package mutating func extract(handedDown fields: UnsafeRawBufferPointer, _ body: (borrowing SpanFacts) -> Void) {
    reader.read(fields)
    _ = attributes.begin()
    attributes.read(reader.attributes, of: fields, [], resource: nil, body)
  }

  /// Bytes of a name, a message or the like that are kept at most. An id is kept whole, or not at all.
  static let mostTextBytes = 1000
  /// `STATUS_CODE_ERROR`.
  private static let errorCode = 2

  private static func flags(_ marks: SpanMarks) -> SpanFacts.Flags {
    var flags: SpanFacts.Flags = []
    if marks.contains(.hasParent) { flags.insert(.hasParent) }
    if marks.contains(.remoteParent) { flags.insert(.remoteParent) }
    if marks.contains(.applicationRoot) { flags.insert(.applicationRoot) }
    if marks.contains(.completionMarker) { flags.insert(.completionMarker) }
    return flags
  }
}

extension SpanEntry {
  fileprivate var isRoot: Bool { !marks.contains(.hasParent) }
}
