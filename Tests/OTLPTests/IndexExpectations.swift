import OTLP
import TestSupport
import Testing

extension IndexedRequest {
  /// The one span of the request.
  func onlySpan() throws -> IndexedSpan {
    try #require(batch.spanCount == 1)
    return spans[0]
  }
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
