package import OTLP

/// Says which spans go on to the exporters. Holds scratch memory; not to be used by two threads at once.
package protocol SpanSieve: AnyObject {
  /// Spans of this trace are asked about next. They all have the attributes that `inherited` holds: whole `attributes` fields
  /// of a `Span` message, behind one another, which stand in the place of what spans themselves say; borrowed until this
  /// returns.
  func begin(trace: TraceID, inherited: UnsafeRawBufferPointer)

  /// Whether a span goes on.
  func keeps(_ span: SievedSpan) -> Bool
}

/// Makes a sieve for whoever works alone with it.
package typealias SpanSieveFactory = @Sendable () -> any SpanSieve

/// A span as it came, in borrowed memory.
package struct SievedSpan {
  /// The bytes of a `Span` message.
  package let payload: UnsafeRawBufferPointer
  package let spanID: UInt64
  package let parentID: UInt64
  /// Nanoseconds since the Unix epoch.
  package let start: UInt64
  package let marks: SpanMarks
  package let scope: Unmanaged<Scope>

  @inline(__always)
  package init(
    payload: UnsafeRawBufferPointer, spanID: UInt64, parentID: UInt64,
    start: UInt64, marks: SpanMarks, scope: Unmanaged<Scope>
  ) {
    self.payload = payload
    self.spanID = spanID
    self.parentID = parentID
    self.start = start
    self.marks = marks
    self.scope = scope
  }
}
