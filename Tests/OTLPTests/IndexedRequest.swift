import Glibc
import OTLP
import Testing

/// What an index says of one span, copied out of it.
struct IndexedSpan: Equatable {
  struct Attribute: Equatable {
    /// The text that the rules know its number by.
    var pattern: String
    var key: [UInt8]
    var type: AttributeEntry.ValueType
    /// A string's or bytes' payload; the number of a bool or an int, little-endian; empty for other types.
    var value: [UInt8]
    /// The whole field.
    var field: [UInt8]
  }

  var traceID: [UInt8]
  var spanID: [UInt8]
  /// Empty without a parent.
  var parentID: [UInt8]
  var start: UInt64
  var marks: SpanMarks
  var payload: [UInt8]
  var attributes: [Attribute]
  /// All other fields of the `ScopeSpans` and `ResourceSpans` around it.
  var scope: [UInt8]
  var resource: [UInt8]
}

/// A request in memory of exactly its size, so that the sanitizer sees a byte too far, and its index.
final class IndexedRequest {
  let batch: SpanBatch
  private let rules: SpanRules

  init(
    _ request: [UInt8], rules: SpanRules = SpanRules(), interner: ScopeInterner = ScopeInterner(),
    index: SpanIndex = SpanIndex()
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

  var rejected: [RejectionReason: Int] {
    var counts: [RejectionReason: Int] = [:]
    for reason in RejectionReason.allCases where batch.index.rejected(reason) > 0 {
      counts[reason] = batch.index.rejected(reason)
    }
    return counts
  }

  var spans: [IndexedSpan] { (0..<batch.spanCount).map { span(batch.index.spans[$0]) } }

  /// The one span of the request.
  func onlySpan() throws -> IndexedSpan {
    try #require(batch.spanCount == 1)
    return spans[0]
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
        slice(entry.valueOffset, entry.valueLength).withUnsafeBytes { HandWire.littleEndian(Varint.read($0)) }
      default: []
      }
    return IndexedSpan.Attribute(
      pattern: rules.patterns[Int(entry.key)], key: slice(entry.keyOffset, entry.keyLength), type: entry.type,
      value: value, field: slice(entry.fieldOffset, entry.fieldLength))
  }

  private static func bytes(_ id: UInt64) -> [UInt8] { withUnsafeBytes(of: id) { Array($0) } }
}

/// Where and why a request is refused.
struct Fault: Equatable {
  var offset: Int
  var reason: String

  init(_ offset: Int, _ reason: String) {
    self.offset = offset
    self.reason = reason
  }
}

/// Nil when the request is accepted.
func fault(of request: [UInt8]) -> Fault? {
  do throws(MalformedRequest) {
    _ = try IndexedRequest(request)
    return nil
  } catch {
    return Fault(error.offset, error.reason)
  }
}

/// Wire forms that the tests of the index need again and again.
extension HandWire {
  static let traceID: [UInt8] = Array(1...16)
  static let spanID: [UInt8] = Array(21...28)
  /// The ids that every usable span has.
  static let ids = bytes(1, traceID) + bytes(2, spanID)

  /// A usable span, as a field of a `ScopeSpans`.
  static func span(_ fields: [UInt8]...) -> [UInt8] { bytes(2, ids + fields.flatMap { $0 }) }

  /// A request with one usable span of these fields.
  static func request(_ fields: [UInt8]...) -> [UInt8] { message(1, message(2, span(fields.flatMap { $0 }))) }

  /// A number in that many bytes, most of which it does not need.
  static func varint(_ value: UInt64, bytes count: Int) -> [UInt8] {
    var rest = value
    return (0..<count).map { position in
      defer { rest >>= 7 }
      return UInt8(rest & 0x7f) | (position < count - 1 ? 0x80 : 0)
    }
  }
}
