package import Facts
import OTLP

/// The facts of one accepted request's spans, on their way to the ledger.
package struct FactsChunk: Sendable {
  /// For each span its trace id (16 bytes), its own id (8), how long its record and its body are (4 each), then both.
  private(set) var bytes: [UInt8] = []
  package private(set) var spanCount = 0
  static let headSize = 32

  package init() {}

  package var isEmpty: Bool { spanCount == 0 }
  package var byteCount: Int { bytes.count }

  package mutating func reserve(bytes count: Int) {
    bytes.reserveCapacity(count)
  }

  /// Adds a span.
  ///
  /// - Parameters:
  ///   - facts: of the span, with its trace id.
  ///   - body: the whole span, a `Span` message; empty where bodies are not kept.
  package mutating func append(
    _ facts: borrowing SpanFacts, body: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)
  ) {
    append(facts.trace.first)
    append(facts.trace.second)
    append(facts.spanID)
    let lengths = bytes.count
    append(UInt64(0))
    SpanRecord.append(facts, to: &bytes)
    let recordLength = bytes.count - lengths - 8
    bytes.append(contentsOf: body)
    bytes.withUnsafeMutableBytes {
      $0.storeBytes(of: UInt32(recordLength), toByteOffset: lengths, as: UInt32.self)
      $0.storeBytes(of: UInt32(body.count), toByteOffset: lengths + 4, as: UInt32.self)
    }
    spanCount += 1
  }

  private mutating func append(_ number: UInt64) {
    withUnsafeBytes(of: number) { bytes.append(contentsOf: $0) }
  }

  /// A span in the chunk: where its record and its body are.
  struct Entry {
    var trace: TraceID
    var span: UInt64
    var record: Range<Int>
    var body: Range<Int>
  }

  /// The span that begins at an offset.
  static func entry(at offset: Int, in bytes: UnsafeRawBufferPointer) -> Entry {
    func number<Number: FixedWidthInteger>(_ place: Int, _ type: Number.Type) -> Number {
      bytes.loadUnaligned(fromByteOffset: offset + place, as: type)
    }
    let record = offset + headSize
    let body = record + Int(number(24, UInt32.self))
    return Entry(
      trace: TraceID(first: number(0, UInt64.self), second: number(8, UInt64.self)), span: number(16, UInt64.self),
      record: record..<body, body: body..<body + Int(number(28, UInt32.self)))
  }
}
