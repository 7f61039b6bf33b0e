package import OTLP

/// What an index says of one span, copied out of it.
package struct IndexedSpan: Equatable {
  package struct Attribute: Equatable {
    /// The text that the rules know its number by.
    package var pattern: String
    package var key: [UInt8]
    package var type: AttributeEntry.ValueType
    /// A string's or bytes' payload; the number of a bool or an int, little-endian; empty for other types.
    package var value: [UInt8]
    /// The whole field.
    package var field: [UInt8]

    package init(pattern: String, key: [UInt8], type: AttributeEntry.ValueType, value: [UInt8], field: [UInt8]) {
      self.pattern = pattern
      self.key = key
      self.type = type
      self.value = value
      self.field = field
    }
  }

  package var traceID: [UInt8]
  package var spanID: [UInt8]
  /// Empty without a parent.
  package var parentID: [UInt8]
  package var start: UInt64
  package var marks: SpanMarks
  package var payload: [UInt8]
  package var attributes: [Attribute]
  /// All other fields of the `ScopeSpans` and `ResourceSpans` around it.
  package var scope: [UInt8]
  package var resource: [UInt8]

  package init(
    traceID: [UInt8], spanID: [UInt8], parentID: [UInt8], start: UInt64, marks: SpanMarks, payload: [UInt8],
    attributes: [Attribute], scope: [UInt8], resource: [UInt8]
  ) {
    self.traceID = traceID
    self.spanID = spanID
    self.parentID = parentID
    self.start = start
    self.marks = marks
    self.payload = payload
    self.attributes = attributes
    self.scope = scope
    self.resource = resource
  }
}

/// A request in memory of exactly its size, so that the sanitizer sees a byte too far, and its index.
///
/// The index has a short way for spans with enough bytes behind them. So each request is also indexed with room behind it,
/// which must make no difference.
package final class IndexedRequest {
  package let batch: SpanBatch
  private let rules: SpanRules

  package convenience init(
    _ request: [UInt8], rules: SpanRules = SpanRules(), interner: ScopeInterner = ScopeInterner(),
    index: SpanIndex = SpanIndex()
  ) throws(MalformedRequest) {
    let roomy = Self.withRoom(request, rules)
    do {
      try self.init(exactly: request, rules: rules, interner: interner, index: index)
    } catch {
      // At its own level a request may go on behind the cut.
      let isCutOff = DecodedField.all(request) == nil
      precondition(roomy == nil || isCutOff, "with room behind it this is accepted: \(request)")
      throw error
    }
    precondition(
      roomy?.spans == spans && roomy?.rejected == rejected, "with room behind it this is read otherwise: \(request)")
  }

  private init(
    exactly request: [UInt8], rules: SpanRules, interner: ScopeInterner, index: SpanIndex
  ) throws(MalformedRequest) {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: request.count, alignment: 1)
    memory.copyBytes(from: request)
    let bytes = UnsafeRawBufferPointer(memory)
    do {
      try index.fill(from: bytes, rules: rules)
    } catch {
      memory.deallocate()
      throw error
    }
    self.rules = rules
    batch = SpanBatch(bytes: bytes, index: index, interner: interner) { _ in memory.deallocate() }
  }

  /// The request before an unknown field of its own; nil when it is refused.
  private static func withRoom(_ request: [UInt8], _ rules: SpanRules) -> IndexedRequest? {
    let room = ProtobufWriter.message { $0.bytesField(99, [UInt8](repeating: 0x0a, count: 300)) }
    return try? IndexedRequest(exactly: request + room, rules: rules, interner: ScopeInterner(), index: SpanIndex())
  }

  /// How many spans were left out, by reason.
  package var rejected: [RejectionReason: Int] {
    var counts: [RejectionReason: Int] = [:]
    for reason in RejectionReason.allCases where batch.index.rejected(reason) > 0 {
      counts[reason] = batch.index.rejected(reason)
    }
    return counts
  }

  package var spans: [IndexedSpan] { (0..<batch.spanCount).map { span(batch.index.spans[$0]) } }

  /// All spans in one new request, through a builder; nil without spans.
  package func rebuilt() -> EncodedRequest? {
    let builder = RequestBuilder()
    for position in 0..<batch.spanCount {
      let entry = batch.index.spans[position]
      builder.append(
        span: batch.payload(of: entry), length: Int(entry.length),
        scope: .passUnretained(batch.scopes[Int(entry.scope)]),
        cuts: UnsafeBufferPointer(start: nil, count: 0), suffix: UnsafeRawBufferPointer(start: nil, count: 0))
    }
    return builder.seal()
  }

  private func span(_ entry: SpanEntry) -> IndexedSpan {
    let payload = Array(UnsafeRawBufferPointer(start: batch.payload(of: entry), count: Int(entry.length)))
    let scope = batch.scopes[Int(entry.scope)]
    return IndexedSpan(
      traceID: Self.bytes(entry.traceID.first) + Self.bytes(entry.traceID.second),
      spanID: Self.bytes(entry.spanID), parentID: entry.parentID == 0 ? [] : Self.bytes(entry.parentID),
      start: entry.start, marks: entry.marks, payload: payload,
      attributes: (0..<Int(entry.attributeCount)).map {
        attribute(batch.index.attributes[Int(entry.attribute) + $0], in: payload)
      },
      scope: scope.header, resource: scope.resource.header)
  }

  private func attribute(_ entry: AttributeEntry, in payload: [UInt8]) -> IndexedSpan.Attribute {
    func slice(_ offset: UInt32, _ length: UInt32) -> [UInt8] { Array(payload[Int(offset)..<Int(offset + length)]) }
    let value: [UInt8] =
      switch entry.type {
      case .string, .bytes: slice(entry.valueOffset, entry.valueLength)
      case .bool, .int:
        slice(entry.valueOffset, entry.valueLength).withUnsafeBytes { Self.bytes(Varint.read($0)) }
      default: []
      }
    return IndexedSpan.Attribute(
      pattern: rules.patterns[Int(entry.key)], key: slice(entry.keyOffset, entry.keyLength), type: entry.type,
      value: value, field: slice(entry.fieldOffset, entry.fieldLength))
  }

  private static func bytes(_ id: UInt64) -> [UInt8] { withUnsafeBytes(of: id) { Array($0) } }
}

extension [IndexedSpan] {
  /// The spans in the order in which a request builder writes them: by resource, then by scope, each in the order of its
  /// first span.
  package func groupedByScope() -> [IndexedSpan] {
    var resources: [[UInt8]] = []
    var scopes: [[UInt8]: [[UInt8]]] = [:]
    for span in self {
      if scopes[span.resource] == nil { resources.append(span.resource) }
      if scopes[span.resource]?.contains(span.scope) != true { scopes[span.resource, default: []].append(span.scope) }
    }
    return resources.flatMap { resource in
      (scopes[resource] ?? []).flatMap { scope in filter { $0.resource == resource && $0.scope == scope } }
    }
  }
}
