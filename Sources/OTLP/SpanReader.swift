import COTLP

/// Reads spans one by one: what they say beside their ids, and the attributes that rules ask for.
///
/// For those who want more of a span than `SpanIndex` records. What an index records costs everybody: the attributes of
/// spans that wait are kept in memory. This costs who asks. Kept and used again, it allocates nothing.
package final class SpanReader {
  private struct State {
    var payload = UnsafeRawBufferPointer(start: nil, count: 0)
    var fields = cotlp_span_fields()
    var found: UnsafeMutableBufferPointer<cotlp_attribute>
  }

  private let rules: SpanRules
  // Behind a pointer: a class's own variables are guarded at each access, which would cost as much as the reading.
  private let state: UnsafeMutablePointer<State>

  /// - Parameter rules: which attributes are of interest; marks have no effect.
  package init(rules: SpanRules) {
    self.rules = rules
    state = .allocate(capacity: 1)
    state.initialize(to: State(found: .allocate(capacity: 64)))
  }

  deinit {
    state.pointee.found.deallocate()
    state.deallocate()
  }

  /// Reads a span's payload, which an index has accepted. What was read before is forgotten.
  package func read(_ payload: UnsafeRawBufferPointer) {
    state.pointee.payload = payload
    readFields()
    let count = Int(state.pointee.fields.attribute_count)
    if count > state.pointee.found.count {
      state.pointee.found.deallocate()
      state.pointee.found = .allocate(capacity: 2 * count)
      readFields()
    }
  }

  private func readFields() {
    let found = state.pointee.found
    let payload = state.pointee.payload
    cotlp_read_span(
      rules.raw, payload.baseAddress, payload.count, &state.pointee.fields, found.baseAddress, UInt32(found.count))
  }

  /// Nanoseconds since the Unix epoch; 0 without one.
  package var end: UInt64 { state.pointee.fields.end }
  /// The code of its status: 2 is an error.
  package var statusCode: UInt64 { state.pointee.fields.status_code }
  /// UTF-8 in the payload that was read.
  package var name: UnsafeRawBufferPointer { bytes(state.pointee.fields.name) }
  package var statusMessage: UnsafeRawBufferPointer { bytes(state.pointee.fields.status_message) }

  /// Fields of the payload that was read, from its first event to its last: the events, and what stands between them. Empty
  /// without any.
  package var events: UnsafeRawBufferPointer { bytes(state.pointee.fields.events) }

  /// The attributes, in their order; valid until something else is read.
  package var attributes: UnsafeBufferPointer<AttributeEntry> {
    UnsafeBufferPointer(
      start: UnsafeRawPointer(state.pointee.found.baseAddress!).assumingMemoryBound(to: AttributeEntry.self),
      count: Int(state.pointee.fields.attribute_count))
  }

  private func bytes(_ range: cotlp_range) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(
      rebasing: state.pointee.payload[Int(range.offset)..<Int(range.offset) + Int(range.length)])
  }
}
