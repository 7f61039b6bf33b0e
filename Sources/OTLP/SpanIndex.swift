import COTLP

/// A span in an indexed request, or a log record or a metric in its place. Mirrors `cotlp_span` field by field.
///
/// A log record has the ids of the span that it names, 0 where it names none, and no parent. A metric has no ids.
@usableFromInline package struct SpanEntry: Sendable {
  /// The trace id's 16 bytes as they lie in memory; so are the other ids.
  package var traceID: TraceID
  package var spanID: UInt64
  /// 0 without a parent.
  package var parentID: UInt64
  /// Nanoseconds since the Unix epoch; of a metric how many data points it has.
  package var start: UInt64
  /// Where the span's payload begins in the request, and how long it is.
  package var offset: UInt32
  package var length: UInt32
  /// Position of its scope.
  package var scope: UInt32
  /// Position of its first recorded attribute, and how many there are.
  package var attribute: UInt32
  package var attributeCount: UInt32
  @usableFromInline var markBits: UInt32

  @inlinable package var marks: SpanMarks { SpanMarks(rawValue: markBits) }

  /// A span that lies apart from a request: its ids and what an index has said of it, no places.
  package init(traceID: TraceID, spanID: UInt64, parentID: UInt64, start: UInt64, marks: SpanMarks) {
    self.traceID = traceID
    self.spanID = spanID
    self.parentID = parentID
    self.start = start
    (offset, length, scope, attribute, attributeCount) = (0, 0, 0, 0, 0)
    markBits = marks.rawValue
  }
}

/// A trace id: its 16 bytes as they lie in memory.
@usableFromInline package struct TraceID: BitwiseCopyable, Hashable, Sendable {
  @usableFromInline package var first: UInt64
  @usableFromInline package var second: UInt64

  @inlinable package init(first: UInt64, second: UInt64) {
    self.first = first
    self.second = second
  }

  @inlinable package static func == (one: TraceID, other: TraceID) -> Bool {
    one.first == other.first && one.second == other.second
  }

  /// What is in the place of an id where there is none.
  @inlinable package static var none: TraceID { TraceID(first: 0, second: 0) }

  /// 32 lowercase hexadecimal digits.
  package var hexadecimal: String { Self.hexadecimal(first) + Self.hexadecimal(second) }

  /// 16 lowercase hexadecimal digits of an id that lies in memory as these bytes.
  package static func hexadecimal(_ id: UInt64) -> String {
    let digits = String(id.byteSwapped, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

/// An attribute that the rules asked for. Mirrors `cotlp_attribute`; offsets count from the span's first byte.
@usableFromInline package struct AttributeEntry: Sendable {
  @usableFromInline package enum ValueType: UInt8, Sendable {
    case empty, string, bool, int, double, array, kvlist, bytes
    /// Into a string table, which only profiles have.
    case stringIndex

    @inlinable package static func == (one: ValueType, other: ValueType) -> Bool {
      unsafeBitCast(one, to: UInt8.self) == unsafeBitCast(other, to: UInt8.self)
    }
  }

  /// The whole field: tag, length and `KeyValue`.
  package var fieldOffset: UInt32
  package var fieldLength: UInt32
  package var keyOffset: UInt32
  package var keyLength: UInt32
  /// A string's payload; the varint of a bool or an int.
  package var valueOffset: UInt32
  package var valueLength: UInt32
  /// The number that `SpanRules` gave to its key.
  package var key: UInt16
  @usableFromInline var rawType: UInt8

  @inlinable package var type: ValueType {
    // The cases' numbers are their places, so the number is the case.
    rawType <= 8 ? unsafeBitCast(rawType, to: ValueType.self) : .empty
  }
}

/// Why a request can't be read: the place and the kind of the fault.
package struct MalformedRequest: Error, CustomStringConvertible, Equatable {
  /// Bytes from the start of the message.
  package let offset: Int
  /// What is wrong there, for a person.
  package let reason: String

  package var description: String { "malformed protobuf at byte \(offset): \(reason)" }
}

/// Why a well-formed span was left out of an index.
package enum RejectionReason: Int, CaseIterable, Sendable {
  case traceID, spanID, parentID, linkID, string

  package var description: String {
    switch self {
    case .traceID: "trace id missing, all zero or not 16 bytes"
    case .spanID: "span id missing, all zero or not 8 bytes"
    case .parentID: "parent span id neither empty nor 8 bytes"
    case .linkID: "link with a trace id that is not 16 bytes or a span id that is not 8"
    case .string: "string that is not UTF-8"
    }
  }
}

/// The index of one request: its spans, or the log records or metrics that stand in their place. Kept and filled again, it
/// allocates nothing.
package final class SpanIndex {
  private let raw: UnsafeMutablePointer<cotlp_index>
  /// Of the request that filled it.
  package private(set) var signal = Signal.traces

  package init() {
    raw = cotlp_index_create()
  }

  deinit {
    cotlp_index_destroy(raw)
  }

  /// Walks a request, checking all of it, and drops what the index held before.
  ///
  /// - Parameters:
  ///   - request: an `ExportTraceServiceRequest`, or that of another signal.
  ///   - signal: which one.
  ///   - rules: what to look for.
  /// - Throws: where and why the bytes are no such request.
  package func fill(
    from request: UnsafeRawBufferPointer, signal: Signal = .traces, rules: SpanRules
  ) throws(MalformedRequest) {
    self.signal = signal
    let error = cotlp_index_fill(raw, signal.code, rules.raw, request.baseAddress, request.count)
    guard error != COTLP_OK else { return }
    throw MalformedRequest(offset: Int(raw.pointee.error_offset), reason: Self.text(of: error))
  }

  /// Drops what the index holds, for spans (log records, metrics) of one signal to be added one by one.
  package func clear(for signal: Signal = .traces) {
    self.signal = signal
    cotlp_index_clear(raw)
  }

  /// Adds one span that some index has accepted earlier and that now lies in other bytes, checking it again. Its scope is not
  /// known here: `SpanEntry.scope` is 0, and marks that a scope sets are missing.
  ///
  /// - Parameters:
  ///   - range: of the span's payload in `bytes`.
  ///   - bytes: what the span's offset counts in; the same for all spans that are added.
  ///   - rules: those of the index that accepted it.
  /// - Returns: false when there is no usable span; the index is as it was then.
  package func add(_ range: Range<Int>, of bytes: UnsafeRawBufferPointer, rules: SpanRules) -> Bool {
    let count = spanCount
    let error = cotlp_index_add(
      raw, signal.code, rules.raw, bytes.baseAddress, bytes.count, range.lowerBound, range.count)
    return error == COTLP_OK && spanCount > count
  }

  /// Drops the last span, of which there must be one.
  package func removeLast() {
    precondition(spanCount > 0)
    cotlp_index_remove_last(raw)
  }

  /// Spans; log records or metrics.
  package var spanCount: Int { Int(raw.pointee.span_count) }
  /// What is counted of the signal: spans, log records, data points.
  package var itemCount: Int { signal == .metrics ? Int(raw.pointee.point_count) : spanCount }

  /// What is counted of one of `spans`.
  @inline(__always)
  package func itemCount(of span: SpanEntry) -> Int { signal == .metrics ? Int(span.start) : 1 }

  package var scopeCount: Int { Int(raw.pointee.scope_count) }

  /// The spans, valid until the index is filled again.
  package var spans: UnsafePointer<SpanEntry> {
    UnsafeRawPointer(raw.pointee.spans).assumingMemoryBound(to: SpanEntry.self)
  }

  /// The recorded attributes of all spans, valid until the index is filled again.
  package var attributes: UnsafePointer<AttributeEntry> {
    UnsafeRawPointer(raw.pointee.attributes).assumingMemoryBound(to: AttributeEntry.self)
  }

  /// How many well-formed spans were left out for that reason.
  package func rejected(_ reason: RejectionReason) -> Int {
    withUnsafeBytes(of: raw.pointee.rejected) { Int($0.bindMemory(to: UInt32.self)[reason.rawValue]) }
  }

  package var rejectedCount: Int { RejectionReason.allCases.reduce(0) { $0 + rejected($1) } }

  /// The resource that a scope belongs to.
  func resource(ofScope scope: Int) -> Int { Int(raw.pointee.scopes[scope].parent) }

  /// All fields of a `ScopeSpans` but its spans.
  func scopeHeader(_ scope: Int, in request: UnsafeRawBufferPointer) -> [UInt8] {
    header(raw.pointee.scopes[scope], in: request)
  }

  /// All fields of a `ResourceSpans` but its scopes' spans.
  func resourceHeader(_ resource: Int, in request: UnsafeRawBufferPointer) -> [UInt8] {
    header(raw.pointee.resources[resource], in: request)
  }

  private func header(_ header: cotlp_header, in request: UnsafeRawBufferPointer) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Int(header.length))
    for position in Int(header.range)..<Int(header.range) + Int(header.range_count) {
      let range = raw.pointee.ranges[position]
      bytes.append(contentsOf: request[Int(range.offset)..<Int(range.offset) + Int(range.length)])
    }
    return bytes
  }

  private static func text(of error: cotlp_error) -> String {
    switch error {
    case COTLP_TRUNCATED: "a field ends outside its message"
    case COTLP_BAD_VARINT: "a varint that is too long"
    case COTLP_BAD_FIELD: "field number 0"
    case COTLP_BAD_WIRE_TYPE: "a wire type that the field can't have"
    case COTLP_TOO_DEEP: "messages nested deeper than \(COTLP_MAX_DEPTH) levels"
    case COTLP_TOO_LARGE: "longer than 4 GiB"
    default: "no memory for its index"
    }
  }
}
