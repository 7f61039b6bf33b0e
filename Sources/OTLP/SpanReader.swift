import COTLP

/// Reads spans one by one: what they say beside their ids, and the attributes that rules ask for.
///
/// For those who want more of a span than `SpanIndex` records. What an index records costs everybody: the attributes of
/// spans that wait are kept in memory. This costs who asks. Kept and used again, it allocates nothing.
package final class SpanReader {
  private let rules: SpanRules
  private var found: UnsafeMutableBufferPointer<cotlp_attribute>
  private var payload = UnsafeRawBufferPointer(start: nil, count: 0)
  private var fields = cotlp_span_fields()

  /// - Parameter rules: which attributes are of interest; marks have no effect.
  package init(rules: SpanRules) {
    self.rules = rules
    found = .allocate(capacity: 64)
  }

  deinit {
    found.deallocate()
  }

  /// Reads a span's payload, which an index has accepted. What was read before is forgotten.
  package func read(_ payload: UnsafeRawBufferPointer) {
    self.payload = payload
    readFields()
    if attributeCount > found.count {
      found.deallocate()
      found = .allocate(capacity: 2 * attributeCount)
      readFields()
    }
  }

  private var attributeCount: Int { Int(fields.attribute_count) }

  private func readFields() {
    cotlp_read_span(rules.raw, payload.baseAddress, payload.count, &fields, found.baseAddress, UInt32(found.count))
  }

  /// Nanoseconds since the Unix epoch; 0 without one.
  package var end: UInt64 { fields.end }
  /// The code of its status: 2 is an error.
  package var statusCode: UInt64 { fields.status_code }
  /// UTF-8 in the payload that was read.
  package var name: UnsafeRawBufferPointer { text(fields.name) }
  package var statusMessage: UnsafeRawBufferPointer { text(fields.status_message) }

  /// The attributes, in their order; valid until something else is read.
  package var attributes: UnsafeBufferPointer<AttributeEntry> {
    UnsafeBufferPointer(
      start: UnsafeRawPointer(found.baseAddress!).assumingMemoryBound(to: AttributeEntry.self), count: attributeCount)
  }

  private func text(_ range: cotlp_range) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: payload[Int(range.offset)..<Int(range.offset) + Int(range.length)])
  }
}
