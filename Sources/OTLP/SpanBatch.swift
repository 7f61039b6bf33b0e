package import Spool

/// An indexed request: the bytes as they were received, and where their spans are.
///
/// Whoever gets a batch may read it until it calls the completion that came with it; what is needed later is copied out.
package final class SpanBatch: @unchecked Sendable {
  // Sendable: nothing changes after init until the last owner lets go.
  /// The `ExportTraceServiceRequest`, or that of another signal.
  package let bytes: UnsafeRawBufferPointer
  package let index: SpanIndex
  /// The scopes of the spans, by the position that a span names.
  package let scopes: [Scope]
  /// The request in the spool of the pipeline that works on it; nil without one.
  package let record: SpoolRecord?
  /// By the position of a span: its unit in the record, where they differ; nil where they are the same.
  package let units: [UInt32]?
  /// By the position of a span: where its payload begins in the request as it was received, when the record was reduced
  /// since and `bytes` are what is left of it; nil where `SpanEntry.offset` says so.
  package let originalOffsets: [UInt32]?
  /// What is known of the request beside its bytes; mostly nothing.
  package let origin: RequestOrigin?
  /// Whether the request was accepted by an earlier run, and some of its spans may be done already.
  package let isReplay: Bool
  private let release: (SpanIndex) -> Void

  /// `release` is called once, when nobody holds the batch any more; it may take the index and the bytes back.
  package init(
    bytes: UnsafeRawBufferPointer, index: SpanIndex, interner: ScopeInterner, origin: RequestOrigin? = nil,
    release: @escaping (SpanIndex) -> Void
  ) {
    self.bytes = bytes
    self.index = index
    self.origin = origin
    self.release = release
    record = nil
    units = nil
    originalOffsets = nil
    isReplay = false
    scopes = interner.scopes(of: index, in: bytes)
  }

  /// The same batch, whose spans are named by a record of the spool.
  package init(
    _ batch: SpanBatch, record: SpoolRecord, units: [UInt32]? = nil, originalOffsets: [UInt32]? = nil,
    isReplay: Bool = false
  ) {
    bytes = batch.bytes
    index = batch.index
    scopes = batch.scopes
    origin = batch.origin
    self.record = record
    self.units = units
    self.originalOffsets = originalOffsets
    self.isReplay = isReplay
    release = { _ in withExtendedLifetime(batch) {} }
  }

  deinit {
    release(index)
  }

  package var spanCount: Int { index.spanCount }
  package var signal: Signal { index.signal }

  /// The unit that names a span in the record.
  @inline(__always)
  package func unit(of position: Int) -> UInt32 { units?[position] ?? UInt32(truncatingIfNeeded: position) }

  /// The payload of a span.
  @inline(__always)
  package func payload(of span: SpanEntry) -> UnsafeRawPointer {
    bytes.baseAddress! + Int(span.offset)
  }
}
