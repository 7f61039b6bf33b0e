import EndUser
import JSON
import OTLP

/// What the attributes of a span say.
struct AttributeFacts {
  typealias Field = FactConventions.Field
  typealias Bytes = UnsafeRawBufferPointer

  let plan: FactsPlan
  private let kinds = KindWords()
  let findings: Findings
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
  private let document = JSONDocument()
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
    /// Where ids that are ints get their digits.
    let digits = UnsafeMutableRawBufferPointer.allocate(byteCount: 3 * digitBytes, alignment: 1)

    deinit {
      findings.deallocate()
      digits.deallocate()
    }
  }

  private static let digitBytes = 20

  /// Bytes of JSON with a call's figures at most.
  private static let mostFigureBytes = 64 << 10

  init(plan: FactsPlan) {
    self.plan = plan
    metadata = MetadataReader(maxBytes: plan.maxMetadataBytes)
    findings = memory.findings
  }

  /// Adds to the facts of a span what its attributes say, and lends them. `resource`: of a root.
  @inline(__always)
  mutating func read(
    _ attributes: UnsafeBufferPointer<AttributeEntry>, of payload: Bytes, _ marks: SpanMarks, resource: Resource?,
    into facts: inout SpanFacts, _ body: (borrowing SpanFacts) -> Void
  ) {
    collect(attributes, of: payload, marks)
    let span = Span(attributes: attributes, payload: payload)
    if !attributes.isEmpty {
      readText(span, into: &facts)
      readUsage(span, into: &facts)
      readCost(span, into: &facts)
      facts.endUser = identity(.endUser, span, digits: 0)
      facts.session = identity(.session, span, digits: 1)
      if facts.kind == .span, !facts.model.isEmpty || !facts.tokens.isEmpty { facts.kind = .llm }
    }
    if let resource { readResource(resource, into: &facts) }
    let found = readMetadata(span)
    let hasTags = writeTags()
    let hasClaims = !claimed.isEmpty || facts.flags.contains(.endUserFromResource)
    if hasClaims { writeClaims(of: span, marks, facts) }
    // What was put together here lies in arrays.
    tagText.bytes.withUnsafeBytes { tags in
      metadata.written.withUnsafeBytes { written in
        if hasTags { facts.tags = tags }
        switch found {
        case .none: break
        case .asItCame(let text): facts.metadata = text
        case .written: facts.metadata = written
        }
        guard hasClaims else { return body(facts) }
        claims.bytes.withUnsafeBytes { bytes in
          facts.claims = bytes
          body(facts)
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

  private mutating func collect(
    _ attributes: UnsafeBufferPointer<AttributeEntry>, of payload: Bytes, _ marks: SpanMarks
  ) {
    findings.clear()
    if !tagAttributes.isEmpty { tagAttributes.removeAll(keepingCapacity: true) }
    if !members.isEmpty { members.removeAll(keepingCapacity: true) }
    if !claimed.isEmpty { claimed.removeAll(keepingCapacity: true) }
    if !annotations.isEmpty { annotations.clear() }
    let span = Span(attributes: attributes, payload: payload)
    let speaks = Self.speaksLikeRoot(marks)
    for position in attributes.indices {
      let attribute = attributes[position]
      let meaning = plan.meaning(of: attribute)
      if meaning.isIdentity {
        noteIdentity(attribute, position, speaks, marks)
        if acceptance != nil { claimed.append(position) }
      }
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

  private func noteIdentity(_ attribute: AttributeEntry, _ position: Int, _ speaks: Bool, _ marks: SpanMarks) {
    let traits = plan.identity.traits(of: attribute)
    guard traits.count(asRoot: speaks, marks) else { return }
    if traits.metadataRank != IdentityPlan.noRank, attribute.type == .string || attribute.type == .kvlist,
      Int(attribute.fieldLength) <= plan.maxMetadataBytes
    {
      findings.note(.endUserMetadata, rank: UInt16(clamping: traits.metadataRank), position: position)
    }
    guard plan.identity.isUsable(attribute) else { return }
    if traits.idRank != IdentityPlan.noRank {
      findings.note(.endUser, rank: UInt16(clamping: traits.idRank), position: position)
    }
    if traits.sessionRank != IdentityPlan.noRank {
      findings.note(.session, rank: UInt16(clamping: traits.sessionRank), position: position)
    }
  }

  private func note(_ attribute: AttributeEntry, _ position: Int, _ meaning: FactsPlan.Meaning, _ span: Span) {
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
    case .metadata:
      guard attribute.type == .kvlist || attribute.type == .string else { return }
    default:
      guard attribute.type == .string, attribute.valueLength > 0 else { return }
    }
    findings.note(meaning.field, rank: meaning.rank, position: position, number: number)
  }

  /// Few, and mostly in their order.
  private mutating func insertTags(_ rank: UInt16, _ type: AttributeEntry.ValueType, _ value: Bytes) {
    let place = tagAttributes.firstIndex { $0.rank > rank } ?? tagAttributes.count
    tagAttributes.insert((rank, type, value), at: place)
  }

  private func value(_ field: Field, _ span: Span) -> Bytes? {
    findings.position(of: field).map { span.value(span.attributes[$0]) }
  }

  private func readText(_ span: Span, into facts: inout SpanFacts) {
    func text(_ field: Field) -> Bytes {
      value(field, span)?.prefix(upToCharacterAt: FactsExtractor.mostTextBytes) ?? Bytes(start: nil, count: 0)
    }
    if let kind = findings.number(.kind) { facts.kind = ObservationKind(rawValue: UInt8(kind)) ?? .span }
    facts.model = text(.model)
    facts.provider = text(.provider)
    facts.workflow = text(.workflow)
    if facts.statusMessage.isEmpty { facts.statusMessage = text(.statusMessage) }
    if let level = value(.level, span), level.elementsEqual(FactConventions.errorLevel.utf8) {
      facts.flags.insert(.isError)
    }
  }

  private func readUsage(_ span: Span, into facts: inout SpanFacts) {
    var counts = TokenCounts()
    counts.input = findings.number(.input)
    counts.output = findings.number(.output)
    counts.total = findings.number(.total)
    counts.cacheRead = findings.number(.cacheRead)
    counts.cacheWrite = findings.number(.cacheWrite)
    counts.reasoning = findings.number(.reasoning)
    Usage.complete(&counts)
    if let metrics = object(.metrics, span) { counts.fill(from: Usage.ofModel(metrics)) }
    if let details = object(.usageDetails, span) {
      var told = Usage.ofLangfuse(details)
      told.fill(from: counts)
      counts = told
    }
    Usage.sum(&counts)
    facts.tokens = counts
  }

  private func readCost(_ span: Span, into facts: inout SpanFacts) {
    var dollars = object(.costDetails, span).flatMap(Usage.costOfLangfuse) ?? findings.dollars(.cost)
    if dollars == nil, findings.number(.inputCost) != nil || findings.number(.outputCost) != nil {
      dollars = (findings.dollars(.inputCost) ?? 0) + (findings.dollars(.outputCost) ?? 0)
    }
    dollars = dollars ?? object(.metrics, span).flatMap(Usage.cost)
    facts.cost = dollars.map(Quantity.billionths)
  }

  /// The object in a field's JSON text. LangWatch puts some of them into one more, with a type beside.
  private func object(_ field: Field, _ span: Span) -> JSONValue? {
    guard let text = value(field, span), text.count <= Self.mostFigureBytes, let root = try? document.parse(text),
      root.kind == .object
    else { return nil }
    if field == .metrics, let inner = root["value"], inner.kind == .object { return inner }
    return root
  }

  /// An id as text: a string as it is, an int in decimal digits.
  private func identity(_ field: Field, _ span: Span, digits place: Int) -> Bytes {
    guard let position = findings.position(of: field) else { return Bytes(start: nil, count: 0) }
    return text(span.attributes[position], span, digits: place)
  }

  func text(_ attribute: AttributeEntry, _ span: Span, digits place: Int) -> Bytes {
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

  private mutating func readResource(_ resource: Resource, into facts: inout SpanFacts) {
    let known: ResourceFacts
    if let last = self.resource, last.resource === resource {
      known = last
    } else {
      known = ResourceFacts(resource, plan: plan)
      self.resource = known
    }
    if facts.endUser.isEmpty, !known.endUser.isEmpty {
      facts.endUser = known.endUser
      facts.flags.insert(.endUserFromResource)
    }
    for tags in known.tags { insertTags(.max, tags.type, tags.value) }
  }

  /// False without tags.
  private mutating func writeTags() -> Bool {
    guard let first = tagAttributes.first else { return false }
    let isAlone = tagAttributes.count == 1
    if isAlone, first.type == lastTags.type, first.value.elementsEqual(lastTags.value) { return !tagText.bytes.isEmpty }
    lastTags = isAlone ? (first.type, Array(first.value)) : (.empty, [])
    tags.clear()
    for attribute in tagAttributes { tags.add(attribute.type, attribute.value) }
    tagText.clear()
    tags.write(to: &tagText)
    return !tagText.bytes.isEmpty
  }
}
