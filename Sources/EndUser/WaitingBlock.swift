import Glibc
import OTLP
import Spool

/// Spans, or log records, that wait for their trace's root: one allocation that holds what one request brought of one trace,
/// exactly as large as it must be, and a link to the next.
///
/// In memory, a span's record is a header, its recorded attributes, and its bytes as they came. On disk (see
/// `WaitingBlock+Spilled`) only where its bytes are in the spool. Either way the block keeps the scopes of its spans alive,
/// by one reference for each run of spans of the same scope. It does not keep the spool's record: see `SpoolRecord`.
struct WaitingBlock {
  struct Header {
    var next: UnsafeMutableRawPointer?
    /// The request in the spool; nil without one.
    var record: Unmanaged<SpoolRecord>?
    /// Memory that is held because of the block, and what of the block itself is written: in words of 8 bytes.
    var words: UInt32
    var used: UInt32
    var spanCount: UInt32
    /// See `runCount` in the lower bits, `outlet` in the upper four. A request that has more runs is larger than any can be.
    private var runsAndOutlet: UInt32

    init(
      next: UnsafeMutableRawPointer?, record: Unmanaged<SpoolRecord>?, words: UInt32, used: UInt32, spanCount: UInt32,
      outlet: Int, runCount: Int = 0
    ) {
      (self.next, self.record) = (next, record)
      (self.words, self.used, self.spanCount) = (words, used, spanCount)
      runsAndOutlet = UInt32(outlet) << 28 | UInt32(runCount)
    }

    /// Runs of spans of the same scope, of a block whose spans are on disk; 0 when they are here.
    var runCount: Int { Int(runsAndOutlet & 0x0fff_ffff) }
    /// Which of the table's outlets it leaves through: see `Outlets`.
    var outlet: Int { Int(runsAndOutlet >> 28) }
  }

  private struct Record {
    var scope: Unmanaged<Scope>
    var spanID: UInt64
    var parentID: UInt64
    var start: UInt64
    var length: UInt32
    var attributeCount: UInt32
    var marks: UInt32
    var unit: UInt32
    var offset: UInt32
  }

  static let word = 8
  /// Bytes of a scope and its resource that are taken to be shared with other traces; what goes beyond counts here.
  private static let sharedHeaderBytes = 4096

  let base: UnsafeMutableRawPointer

  /// Bytes that a span takes in a block.
  @inline(__always)
  static func recordSize(length: Int, attributeCount: Int) -> Int {
    (MemoryLayout<Record>.size + attributeCount * MemoryLayout<AttributeEntry>.stride + length + word - 1) & ~(word - 1)
  }

  /// A block that holds copies of the spans that `spans` lends, which take `recordBytes`; of one request, which has this
  /// record, and for that outlet.
  @inline(__always)
  init(recordBytes: Int, record: Unmanaged<SpoolRecord>?, outlet: Int = 0, copying spans: ((SpanView) -> Void) -> Void)
  {
    let byteCount = MemoryLayout<Header>.size + recordBytes
    let base = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: Self.word)
    self.base = base
    var at = base + MemoryLayout<Header>.size
    let end = base + byteCount
    var count: UInt32 = 0
    var excess = 0
    var previous: UnsafeMutableRawPointer?
    spans { span in
      let size = Self.recordSize(length: span.length, attributeCount: span.attributeCount)
      precondition(end - at >= size, "a waiting block was measured too small")
      if previous != span.scope.toOpaque() {
        previous = span.scope.toOpaque()
        excess += Self.keep(span.scope)
      }
      Self.write(span, to: at)
      at += size
      count += 1
    }
    base.initializeMemory(
      as: Header.self,
      to: Header(
        next: nil, record: record, words: UInt32((byteCount + excess) / Self.word),
        used: UInt32((at - base) / Self.word), spanCount: count, outlet: outlet))
  }

  init(base: UnsafeMutableRawPointer) {
    self.base = base
  }

  var header: UnsafeMutablePointer<Header> { base.assumingMemoryBound(to: Header.self) }

  /// Bytes of memory that are held because of the block.
  var byteCount: Int { Int(header.pointee.words) * Self.word }
  var spanCount: Int { Int(header.pointee.spanCount) }
  var record: Unmanaged<SpoolRecord>? { header.pointee.record }
  var outlet: Int { header.pointee.outlet }
  /// Whether it holds log records.
  var isLogs: Bool { outlet > 0 }
  /// Whether the spool has the bytes of the spans, and it is known where.
  var canSpill: Bool {
    !isSpilled && record != nil
      && (base + MemoryLayout<Header>.size).assumingMemoryBound(to: Record.self).pointee.offset
        != SpanView.unknownOffset
  }
  /// Whether the spans' bytes are only in the spool.
  var isSpilled: Bool { header.pointee.runCount > 0 }

  var next: WaitingBlock? {
    get { header.pointee.next.map(WaitingBlock.init(base:)) }
    nonmutating set { header.pointee.next = newValue?.base }
  }

  /// Keeps a scope alive, and says what of its bytes counts here.
  private static func keep(_ scope: Unmanaged<Scope>) -> Int {
    let bytes = scope.retain()._withUnsafeGuaranteedRef { $0.header.count + $0.resource.header.count }
    return max(0, bytes - sharedHeaderBytes)
  }

  @inline(__always)
  private static func write(_ span: SpanView, to place: UnsafeMutableRawPointer) {
    place.initializeMemory(
      as: Record.self,
      to: Record(
        scope: span.scope, spanID: span.spanID, parentID: span.parentID, start: span.start,
        length: UInt32(span.length), attributeCount: UInt32(span.attributeCount), marks: span.marks.rawValue,
        unit: span.unit, offset: span.offset))
    let attributes = place + MemoryLayout<Record>.size
    let attributeBytes = span.attributeCount * MemoryLayout<AttributeEntry>.stride
    if attributeBytes > 0 { attributes.copyMemory(from: span.attributes, byteCount: attributeBytes) }
    (attributes + attributeBytes).copyMemory(from: span.payload, byteCount: span.length)
  }

  /// Lends every span of a block that has them in memory, in the order in which they came.
  @inline(__always)
  func forEach(_ body: (SpanView) -> Void) {
    assert(!isSpilled)
    var at = base + MemoryLayout<Header>.size
    let end = base + Int(header.pointee.used) * Self.word
    let record = header.pointee.record
    while at < end {
      let span = Self.view(at, record)
      body(span)
      at += Self.recordSize(length: span.length, attributeCount: span.attributeCount)
    }
  }

  /// Ends the block and lets its scopes go.
  func free() {
    if isSpilled {
      freeSpilled()
      return
    }
    var previous: Unmanaged<Scope>?
    forEach { span in
      if previous?.toOpaque() != span.scope.toOpaque() {
        previous?.release()
        previous = span.scope
      }
    }
    previous?.release()
    base.deallocate()
  }

  @inline(__always)
  private static func view(_ place: UnsafeMutableRawPointer, _ request: Unmanaged<SpoolRecord>?) -> SpanView {
    let record = place.assumingMemoryBound(to: Record.self)
    let attributes = UnsafeRawPointer(place) + MemoryLayout<Record>.size
    let count = Int(record.pointee.attributeCount)
    return SpanView(
      payload: attributes + count * MemoryLayout<AttributeEntry>.stride, length: Int(record.pointee.length),
      attributes: attributes.assumingMemoryBound(to: AttributeEntry.self), attributeCount: count,
      spanID: record.pointee.spanID, parentID: record.pointee.parentID, start: record.pointee.start,
      marks: SpanMarks(rawValue: record.pointee.marks), scope: record.pointee.scope, record: request,
      unit: record.pointee.unit, offset: record.pointee.offset)
  }
}
