import COTLP

/// Reads spans one by one: what they say beside their ids, and the attributes that rules ask for.
///
/// For those who want more of a span than `SpanIndex` records. What an index records costs everybody: the attributes of
/// spans that wait are kept in memory. This costs who asks. Kept and used again, it allocates nothing.
@usableFromInline package final class SpanReader {
  /// Mirrors `cotlp_span_fields`.
  @usableFromInline struct Fields {
    @usableFromInline var end: UInt64 = 0
    @usableFromInline var name = Range()
    @usableFromInline var statusMessage = Range()
    @usableFromInline var events = Range()
    @usableFromInline var statusCode: UInt64 = 0
    @usableFromInline var attributeCount: UInt32 = 0
  }

  @usableFromInline struct Range {
    @usableFromInline var offset: UInt32 = 0
    @usableFromInline var length: UInt32 = 0
  }

  @usableFromInline struct State {
    @usableFromInline var payload = UnsafeRawBufferPointer(start: nil, count: 0)
    @usableFromInline var fields = Fields()
    @usableFromInline var found: UnsafeMutableBufferPointer<AttributeEntry>
  }

  private let rules: SpanRules
  private let raw: OpaquePointer
  // Behind a pointer: a class's own variables are guarded at each access, which would cost as much as the reading.
  @usableFromInline let state: UnsafeMutablePointer<State>

  /// - Parameter rules: which attributes are of interest; marks have no effect.
  package init(rules: SpanRules) {
    self.rules = rules
    raw = cotlp_span_reader_create(rules.raw)
    state = .allocate(capacity: 1)
    state.initialize(to: State(found: .allocate(capacity: 64)))
  }

  deinit {
    cotlp_span_reader_destroy(raw)
    state.pointee.found.deallocate()
    state.deallocate()
  }

  /// Reads a span's payload, which an index has accepted. What was read before is forgotten.
  package func read(_ payload: UnsafeRawBufferPointer) {
    state.pointee.payload = payload
    readFields()
    let count = Int(state.pointee.fields.attributeCount)
    if count > state.pointee.found.count {
      state.pointee.found.deallocate()
      state.pointee.found = .allocate(capacity: 2 * count)
      readFields()
    }
  }

  private func readFields() {
    let found = state.pointee.found
    let payload = state.pointee.payload
    withUnsafeMutablePointer(to: &state.pointee.fields) { fields in
      cotlp_read_span(
        raw, payload.baseAddress, payload.count,
        UnsafeMutableRawPointer(fields).assumingMemoryBound(to: cotlp_span_fields.self),
        UnsafeMutableRawPointer(found.baseAddress!).assumingMemoryBound(to: cotlp_attribute.self), UInt32(found.count))
    }
  }

  /// Nanoseconds since the Unix epoch; 0 without one.
  @inlinable package var end: UInt64 { state.pointee.fields.end }
  /// The code of its status: 2 is an error.
  @inlinable package var statusCode: UInt64 { state.pointee.fields.statusCode }
  /// UTF-8 in the payload that was read.
  @inlinable @inline(__always) package var name: UnsafeRawBufferPointer { bytes(state.pointee.fields.name) }
  @inlinable @inline(__always) package var statusMessage: UnsafeRawBufferPointer {
    bytes(state.pointee.fields.statusMessage)
  }

  /// Fields of the payload that was read, from its first event to its last: the events, and what stands between them. Empty
  /// without any.
  @inlinable @inline(__always) package var events: UnsafeRawBufferPointer { bytes(state.pointee.fields.events) }

  /// The attributes, in their order; valid until something else is read.
  @inlinable package var attributes: UnsafeBufferPointer<AttributeEntry> {
    UnsafeBufferPointer(start: state.pointee.found.baseAddress, count: Int(state.pointee.fields.attributeCount))
  }

  @inlinable @inline(__always) func bytes(_ range: Range) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(
      rebasing: state.pointee.payload[Int(range.offset)..<Int(range.offset) + Int(range.length)])
  }
}
