import Glibc
import OTLP

/// Spans that wait for their trace's root: one allocation that holds what one request brought of one trace, exactly as
/// large as it must be, and a link to the next.
///
/// A span's record is a header, its recorded attributes, and its bytes as they came. The block keeps the scopes of its
/// spans alive, by one reference for each run of spans of the same scope.
struct WaitingBlock {
  private struct Header {
    var next: UnsafeMutableRawPointer?
    var capacity: Int
    var byteCount: Int
    var used: Int
    var spanCount: Int
  }

  private struct Record {
    var scope: Unmanaged<Scope>
    var spanID: UInt64
    var parentID: UInt64
    var start: UInt64
    var length: UInt32
    var attributeCount: UInt32
    var marks: UInt32
    var size: UInt32
  }

  /// Bytes of a scope and its resource that are taken to be shared with other traces; what goes beyond counts here.
  private static let sharedHeaderBytes = 4096

  private let base: UnsafeMutableRawPointer

  /// Bytes that a span takes in a block.
  @inline(__always)
  static func recordSize(length: Int, attributeCount: Int) -> Int {
    (MemoryLayout<Record>.size + attributeCount * MemoryLayout<AttributeEntry>.stride + length + 7) & ~7
  }

  /// An empty block with room for records of these bytes.
  init(recordBytes: Int) {
    let byteCount = MemoryLayout<Header>.size + recordBytes
    base = .allocate(byteCount: byteCount, alignment: 8)
    base.initializeMemory(
      as: Header.self,
      to: Header(next: nil, capacity: byteCount, byteCount: byteCount, used: MemoryLayout<Header>.size, spanCount: 0))
  }

  private init(base: UnsafeMutableRawPointer) {
    self.base = base
  }

  private var header: UnsafeMutablePointer<Header> { base.assumingMemoryBound(to: Header.self) }

  /// Bytes of memory that are held because of the block.
  var byteCount: Int { header.pointee.byteCount }
  var spanCount: Int { header.pointee.spanCount }

  var next: WaitingBlock? {
    get { header.pointee.next.map(WaitingBlock.init(base:)) }
    nonmutating set { header.pointee.next = newValue?.base }
  }

  /// Copies a span to the block's end. `previous` is the scope of the span before it.
  func append(_ span: SpanView, after previous: Unmanaged<Scope>?) {
    let size = Self.recordSize(length: span.length, attributeCount: span.attributeCount)
    let place = base + header.pointee.used
    precondition(header.pointee.used + size <= header.pointee.capacity, "a waiting block was measured too small")
    if previous?.toOpaque() != span.scope.toOpaque() {
      let scope = span.scope.retain()._withUnsafeGuaranteedRef { $0.header.count + $0.resource.header.count }
      header.pointee.byteCount += max(0, scope - Self.sharedHeaderBytes)
    }
    place.initializeMemory(
      as: Record.self,
      to: Record(
        scope: span.scope, spanID: span.spanID, parentID: span.parentID, start: span.start,
        length: UInt32(span.length), attributeCount: UInt32(span.attributeCount), marks: span.marks.rawValue,
        size: UInt32(size)))
    let attributes = place + MemoryLayout<Record>.size
    let attributeBytes = span.attributeCount * MemoryLayout<AttributeEntry>.stride
    if attributeBytes > 0 { attributes.copyMemory(from: span.attributes, byteCount: attributeBytes) }
    (attributes + attributeBytes).copyMemory(from: span.payload, byteCount: span.length)
    header.pointee.used += size
    header.pointee.spanCount += 1
  }

  /// Lends every span, in the order in which they were appended.
  @inline(__always)
  func forEach(_ body: (SpanView) -> Void) {
    var at = base + MemoryLayout<Header>.size
    let end = base + header.pointee.used
    while at < end {
      let record = at.assumingMemoryBound(to: Record.self)
      body(Self.view(record))
      at += Int(record.pointee.size)
    }
  }

  /// Ends the block and lets its scopes go.
  func free() {
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

  private static func view(_ record: UnsafeMutablePointer<Record>) -> SpanView {
    let attributes = UnsafeRawPointer(record) + MemoryLayout<Record>.size
    let count = Int(record.pointee.attributeCount)
    return SpanView(
      payload: attributes + count * MemoryLayout<AttributeEntry>.stride, length: Int(record.pointee.length),
      attributes: attributes.assumingMemoryBound(to: AttributeEntry.self), attributeCount: count,
      spanID: record.pointee.spanID, parentID: record.pointee.parentID, start: record.pointee.start,
      marks: SpanMarks(rawValue: record.pointee.marks), scope: record.pointee.scope)
  }
}

/// The blocks of one trace, in the order of their requests. Whoever holds a chain owns its blocks.
struct WaitingChain {
  private var first: WaitingBlock?
  private var last: WaitingBlock?
  private(set) var spanCount = 0
  private(set) var byteCount = 0

  var isEmpty: Bool { first == nil }

  mutating func append(_ block: WaitingBlock) {
    if let last { last.next = block } else { first = block }
    last = block
    spanCount += block.spanCount
    byteCount += block.byteCount
  }

  @inline(__always)
  func forEach(_ body: (SpanView) -> Void) {
    var block = first
    while let current = block {
      current.forEach(body)
      block = current.next
    }
  }

  /// All spans; borrowed.
  var spans: [SpanView] {
    var spans: [SpanView] = []
    spans.reserveCapacity(spanCount)
    forEach { spans.append($0) }
    return spans
  }

  /// Takes the first block out; nil when there is none.
  mutating func popFirst() -> WaitingBlock? {
    guard let block = first else { return nil }
    first = block.next
    if first == nil { last = nil }
    spanCount -= block.spanCount
    byteCount -= block.byteCount
    return block
  }

  /// Ends all blocks.
  mutating func free() {
    while let block = popFirst() { block.free() }
  }
}
