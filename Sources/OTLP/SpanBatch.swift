/// An indexed trace request: the bytes as they were received, and where their spans are.
///
/// Whoever gets a batch may read it until it calls the completion that came with it; what is needed later is copied out.
package final class SpanBatch: @unchecked Sendable {
  // Sendable: nothing changes after init until the last owner lets go.
  /// The `ExportTraceServiceRequest`.
  package let bytes: UnsafeRawBufferPointer
  package let index: SpanIndex
  /// The scopes of the spans, by the position that a span names.
  package let scopes: [Scope]
  private let release: (SpanIndex) -> Void

  /// `release` is called once, when nobody holds the batch any more; it may take the index and the bytes back.
  package init(
    bytes: UnsafeRawBufferPointer, index: SpanIndex, interner: ScopeInterner,
    release: @escaping (SpanIndex) -> Void
  ) {
    self.bytes = bytes
    self.index = index
    self.release = release
    scopes = interner.scopes(of: index, in: bytes)
  }

  deinit {
    release(index)
  }

  package var spanCount: Int { index.spanCount }

  /// The payload of a span.
  @inline(__always)
  package func payload(of span: SpanEntry) -> UnsafeRawPointer {
    bytes.baseAddress! + Int(span.offset)
  }
}
