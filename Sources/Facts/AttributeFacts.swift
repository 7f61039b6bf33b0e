import EndUser
import JSON
import OTLP

/// What the attributes of a span say.
struct AttributeFacts {
  typealias Field = FactConventions.Field
  typealias Bytes = UnsafeRawBufferPointer

  let plan: FactsPlan
  let identity: IdentityPlan
  private let kinds = KindWords()
  private(set) var findings: Findings
  private var tagAttributes: [(rank: UInt16, type: AttributeEntry.ValueType, value: Bytes)] = []
  private var members: [MetadataReader.Member] = []
  private var tags = TagList()
  /// Of the span that was read last.
  private(set) var annotations = Annotations()
  /// The tags of the last span that had any, and what they were made of, where that was one attribute: mostly all spans of a
  /// process have the same.
  private var tagText = JSONText()
  private var lastTags: (type: AttributeEntry.ValueType, value: [UInt8]) = (.empty, [])
  private var metadata: MetadataReader
  let document = JSONDocument()
  var resource: ResourceFacts?
  private let memory = Memory()
  /// When the request was accepted, in nanoseconds since the Unix epoch; nil where nobody wants to know what spans claim.
  var acceptance: UInt64?
  /// Where the span's attributes are that say whose it is, where that is wanted.
  var claimed: [Int] = []
  var claims = ClaimsWriter()

  /// Memory of fixed size, which a structure can't free.
  private final class Memory {
    let findings = Findings()
    /// Those of the span that is being read, which would be copied at each call if they were a variable, they are so many.
    let facts = UnsafeMutablePointer<SpanFacts>.allocate(capacity: 1)
    /// Where ids that are ints get their digits.
    let digits = UnsafeMutableRawBufferPointer.allocate(byteCount: 3 * digitBytes, alignment: 1)

    init() { facts.initialize(to: SpanFacts()) }

    deinit {
      findings.deallocate()
      facts.deallocate()
      digits.deallocate()
    }
  }

  private static let digitBytes = 20

  /// Bytes of JSON with a call's figures at most.
  static let mostFigureBytes = 64 << 10

  init(plan: FactsPlan) {
    self.plan = plan
    identity = plan.identity
    metadata = MetadataReader(maxBytes: plan.maxMetadataBytes)
    findings = memory.findings
  }

  /// The facts of the span that is to be read, and of the one that was read last.
  var facts: UnsafeMutablePointer<SpanFacts> { memory.facts }

  /// Forgets the span that was read last. Returns where the facts of the next one go.
  @inline(__always)
  func begin() -> UnsafeMutablePointer<SpanFacts> {
    memory.facts.pointee = SpanFacts()
    return memory.facts
  }

  /// Adds to the facts of a span what its attributes say, and lends them. `resource`: of a root.
  @inline(__always)
  mutating func read(
    _ attributes: UnsafeBufferPointer<AttributeEntry>, of payload: Bytes, _ marks: SpanMarks, resource: Resource?,
    _ body: (borrowing SpanFacts) -> Void
  ) {
    let facts = facts
    let span = Span(attributes: attributes, payload: payload)
    collect(span, marks)
    readText(span, into: facts)
    if findings.hasAny(from: .input, through: .metrics) { readUsage(span, into: facts) }
    if findings.hasAny(from: .metrics, through: .outputCost) { readCost(span, into: facts) }
    if facts.pointee.kind == .span, !facts.pointee.model.isEmpty || !facts.pointee.tokens.isEmpty {
      facts.pointee.kind = .llm
    }
    if let resource { readResource(resource, into: facts) }
    var isWritten = false
    switch readMetadata(span) {
    case .none: break
    case .asItCame(let text): facts.pointee.metadata = text
    case .written: isWritten = true
    }
    let hasTags = writeTags()
    let hasClaims = !claimed.isEmpty || facts.pointee.flags.contains(.endUserFromResource)
    if hasClaims { writeClaims(of: span, marks, facts.pointee) }
    guard isWritten || hasTags || hasClaims else { return body(facts.pointee) }
    lend(metadata: isWritten, tags: hasTags, claims: hasClaims, body)
  }

  /// Lends the facts with what was put together here, and lies in arrays.
  private func lend(
    metadata hasMetadata: Bool, tags hasTags: Bool, claims hasClaims: Bool, _ body: (borrowing SpanFacts) -> Void
  ) {
    tagText.bytes.withUnsafeBytes { tags in
      metadata.written.withUnsafeBytes { metadata in
        claims.bytes.withUnsafeBytes { claims in
          if hasTags { facts.pointee.tags = tags }
          if hasMetadata { facts.pointee.metadata = metadata }
          if hasClaims { facts.pointee.claims = claims }
          body(facts.pointee)
        }
      }
    }
  }

  /// The attributes of the span that is being read.
  struct Span {
    let attributes: UnsafeBufferPointer<AttributeEntry>
    let payload: Bytes

    @inline(__always)
    func value(_ attribute: AttributeEntry) -> Bytes {
      let start = Int(attribute.valueOffset)
      return Bytes(rebasing: payload[start..<start + Int(attribute.valueLength)])
    }

    @inline(__always)
    func key(_ attribute: AttributeEntry) -> Bytes {
      let start = Int(attribute.keyOffset)
      return Bytes(rebasing: payload[start..<start + Int(attribute.keyLength)])
    }
  }

  private mutating func collect(_ span: Span, _ marks: SpanMarks) {
    findings.clear()
    if !tagAttributes.isEmpty { tagAttributes.removeAll(keepingCapacity: true) }
    if !members.isEmpty { members.removeAll(keepingCapacity: true) }
    if !claimed.isEmpty { claimed.removeAll(keepingCapacity: true) }
    if !annotations.isEmpty { annotations.clear() }
    for position in span.attributes.indices {
      let attribute = span.attributes[position]
      let meaning = plan.meaning(of: attribute)
      if meaning.isIdentity { noteIdentity(position, span, marks) }
      switch meaning.role {
      case .nothing: break
      case .field: note(attribute, position, meaning, span)
      case .tags: insertTags(meaning.rank, attribute.type, span.value(attribute))
      case .metadataMember:
        members.append(
          MetadataReader.Member(
            key: Bytes(rebasing: span.key(attribute).dropFirst(Int(meaning.prefixLength))),
            value: span.value(attribute),
            type: attribute.type, encoding: meaning.encoding))
      case .annotation:
        annotations.note(
          meaning.rank, key: Bytes(rebasing: span.key(attribute).dropFirst(Int(meaning.prefixLength))),
          attribute.type, span.value(attribute))
      }
    }
  }

  /// A local root speaks like a root.
  static func speaksLikeRoot(_ marks: SpanMarks) -> Bool {
    !marks.contains(.hasParent) || marks.contains(.remoteParent) || marks.contains(.applicationRoot)
  }

  private mutating func noteIdentity(_ position: Int, _ span: Span, _ marks: SpanMarks) {
    if acceptance != nil { claimed.append(position) }
    let attribute = span.attributes[position]
    let traits = identity.traits(of: attribute)
    guard traits.count(asRoot: Self.speaksLikeRoot(marks), marks) else { return }
    if traits.metadataRank != IdentityPlan.noRank, attribute.type == .string || attribute.type == .kvlist,
      Int(attribute.fieldLength) <= plan.maxMetadataBytes
    {
      findings.note(.endUserMetadata, rank: UInt16(clamping: traits.metadataRank), position: position)
    }
    guard identity.isUsable(attribute) else { return }
    if traits.idRank != IdentityPlan.noRank {
      findings.note(.endUser, rank: UInt16(clamping: traits.idRank), position: position)
    }
    if traits.sessionRank != IdentityPlan.noRank {
      findings.note(.session, rank: UInt16(clamping: traits.sessionRank), position: position)
    }
  }

  @inline(__always)
  private mutating func note(_ attribute: AttributeEntry, _ position: Int, _ meaning: FactsPlan.Meaning, _ span: Span) {
    guard findings.wants(meaning.field, rank: meaning.rank) else { return }
    var number: Int64 = 0
    switch meaning.field {
    case .kind:
      guard attribute.type == .string, let kind = kinds.kind(span.value(attribute)) else { return }
      number = Int64(kind.rawValue)
    case .input, .output, .total, .cacheRead, .cacheWrite, .reasoning:
      guard let count = Quantity.tokens(attribute, span.value(attribute)) else { return }
      number = count
    case .cost, .inputCost, .outputCost:
      guard let dollars = Quantity.dollars(attribute, span.value(attribute)) else { return }
      number = Int64(bitPattern: dollars.bitPattern)
    case .inputIsUncached:
      guard attribute.type == .bool else { return }
      number = Varint.read(span.value(attribute)) == 0 ? 0 : 1
    case .metadata:
      guard attribute.type == .kvlist || attribute.type == .string else { return }
    default:
      guard attribute.type == .string, attribute.valueLength > 0 else { return }
    }
    findings.take(meaning.field, rank: meaning.rank, position: position, number: number)
  }

  /// Few, and mostly in their order.
  private mutating func insertTags(_ rank: UInt16, _ type: AttributeEntry.ValueType, _ value: Bytes) {
    let place = tagAttributes.firstIndex { $0.rank > rank } ?? tagAttributes.count
    tagAttributes.insert((rank, type, value), at: place)
  }

  func value(_ field: Field, _ span: Span) -> Bytes? {
    findings.position(of: field).map { span.value(span.attributes[$0]) }
  }

  // Mutating, as they stand in the middle of what is: for what isn't, all of this structure would be copied.

  /// What is said in one word or a line: what kind of span it is, of which model, and whose.
  private mutating func readText(_ span: Span, into facts: UnsafeMutablePointer<SpanFacts>) {
    func text(_ field: Field) -> Bytes {
      value(field, span)?.prefix(upToCharacterAt: FactsExtractor.mostTextBytes) ?? Bytes(start: nil, count: 0)
    }
    if let kind = findings.number(.kind) { facts.pointee.kind = ObservationKind(rawValue: UInt8(kind)) ?? .span }
    if findings.has(.model) { facts.pointee.model = text(.model) }
    if findings.has(.provider) { facts.pointee.provider = text(.provider) }
    if findings.has(.workflow) {
      facts.pointee.workflow = text(.workflow)
      if findings.rank(of: .workflow) == FactConventions.traceNameRank { facts.pointee.flags.insert(.namesTrace) }
    }
    if findings.has(.endUser) { facts.pointee.endUser = id(.endUser, span, digits: 0) }
    if findings.has(.session) { facts.pointee.session = id(.session, span, digits: 1) }
    if facts.pointee.statusMessage.isEmpty { facts.pointee.statusMessage = text(.statusMessage) }
    if let level = value(.level, span), level.elementsEqual(FactConventions.errorLevel.utf8) {
      facts.pointee.flags.insert(.isError)
    }
  }

  /// An id as text: a string as it is, an int in decimal digits.
  private mutating func id(_ field: Field, _ span: Span, digits place: Int) -> Bytes {
    guard let position = findings.position(of: field) else { return Bytes(start: nil, count: 0) }
    return text(span.attributes[position], span, digits: place)
  }

  mutating func text(_ attribute: AttributeEntry, _ span: Span, digits place: Int) -> Bytes {
    let value = span.value(attribute)
    guard attribute.type == .int else { return value }
    let room = UnsafeMutableRawBufferPointer(
      rebasing: memory.digits[place * Self.digitBytes..<(place + 1) * Self.digitBytes])
    let text = String(Int64(bitPattern: Varint.read(value))).utf8
    room.copyBytes(from: text)
    return Bytes(rebasing: room.prefix(text.count))
  }

  private mutating func readMetadata(_ span: Span) -> MetadataReader.Metadata {
    // What is meant for the end user goes before what is about the span.
    if let position = findings.position(of: .endUserMetadata) {
      let attribute = span.attributes[position]
      let found = metadata.read((attribute.type, span.value(attribute)), [])
      if case .none = found {} else { return found }
      findings.forget(.endUserMetadata)
    }
    let object = findings.position(of: .metadata).map { span.attributes[$0] }
    if object == nil, members.isEmpty { return .none }
    return metadata.read(object.map { ($0.type, span.value($0)) }, members)
  }

  private mutating func readResource(_ resource: Resource, into facts: UnsafeMutablePointer<SpanFacts>) {
    let known: ResourceFacts
    if let last = self.resource, last.resource === resource {
      known = last
    } else {
      known = ResourceFacts(resource, plan: plan)
      self.resource = known
    }
    if facts.pointee.endUser.isEmpty, !known.endUser.isEmpty {
      facts.pointee.endUser = known.endUser
      facts.pointee.flags.insert(.endUserFromResource)
    }
    for tags in known.tags { insertTags(.max, tags.type, tags.value) }
  }

  /// False without tags.
  private mutating func writeTags() -> Bool {
    guard let first = tagAttributes.first else { return false }
    let isAlone = tagAttributes.count == 1
    if isAlone, first.type == lastTags.type, lastTags.value.withUnsafeBytes({ first.value.isSame(as: $0) }) {
      return !tagText.bytes.isEmpty
    }
    lastTags = isAlone ? (first.type, Array(first.value)) : (.empty, [])
    tags.clear()
    for attribute in tagAttributes { tags.add(attribute.type, attribute.value) }
    tagText.clear()
    tags.write(to: &tagText)
    return !tagText.bytes.isEmpty
  }
}
