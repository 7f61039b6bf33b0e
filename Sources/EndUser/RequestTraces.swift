import OTLP
import Spool

/// The spans of one request where they lie, and what links those of a trace. Borrowed memory.
struct RequestSpans {
  fileprivate(set) var spans: UnsafePointer<SpanEntry>
  fileprivate(set) var attributes: UnsafePointer<AttributeEntry>
  fileprivate(set) var base: UnsafeRawPointer
  fileprivate(set) var scopes: UnsafePointer<Unmanaged<Scope>>
  /// By span: the position of the next one of its trace; -1 ends them.
  fileprivate(set) var next: UnsafeMutablePointer<Int32>
  /// What names the spans in the spool.
  fileprivate(set) var record: Unmanaged<SpoolRecord>?
  /// By span, for a request that was reduced: its unit, and its offset in the request as it was received.
  fileprivate(set) var units: UnsafePointer<UInt32>?
  fileprivate(set) var originalOffsets: UnsafePointer<UInt32>?
  /// Whose traces they are, see `RequestOrigin.tenantNumber`, and what the request's headers said.
  fileprivate(set) var tenant: UInt64 = 0
  fileprivate(set) var origin: Unmanaged<RequestOrigin>?
  /// Whether an earlier run has counted the spans.
  fileprivate(set) var isReplay = false

  @inline(__always)
  func view(_ position: Int32) -> SpanView {
    let span = spans + Int(position)
    return SpanView(
      payload: base + Int(span.pointee.offset), length: Int(span.pointee.length),
      attributes: attributes + Int(span.pointee.attribute), attributeCount: Int(span.pointee.attributeCount),
      spanID: span.pointee.spanID, parentID: span.pointee.parentID, start: span.pointee.start,
      marks: span.pointee.marks, scope: scopes[Int(span.pointee.scope)], record: record, unit: unit(position),
      offset: originalOffsets.map { $0[Int(position)] } ?? span.pointee.offset)
  }

  @inline(__always)
  func unit(_ position: Int32) -> UInt32 { units.map { $0[Int(position)] } ?? UInt32(bitPattern: position) }

  /// A span that leaves nowhere is done at once.
  func markDone(_ position: Int32) {
    record?._withUnsafeGuaranteedRef { $0.markDone(Int(unit(position)), count: 1) }
  }

  /// Lends a span and all that are linked behind it.
  @inline(__always)
  func forEach(from first: Int32, _ body: (SpanView) -> Void) {
    var position = first
    while position >= 0 {
      body(view(position))
      position = next[Int(position)]
    }
  }

  @inline(__always)
  func spanID(_ position: Int32) -> UInt64 { spans[Int(position)].spanID }
}

/// The spans of one request, linked by trace, and its traces ordered by shard, so that each shard is locked once.
///
/// Scratch memory: kept and filled again.
final class RequestTraces {
  struct Trace {
    var id: TraceID
    var hash: UInt64
    /// Linked spans, by their position in the index; -1 ends them.
    var first: Int32
    var last: Int32
  }

  private(set) var traces: [Trace] = []
  /// Positions in `traces`, those of a shard behind one another.
  private(set) var order: [Int32] = []
  /// Where each shard's traces end in `order`.
  private(set) var shardEnds: [Int32] = []
  private(set) var spans: RequestSpans
  private var next: UnsafeMutablePointer<Int32> = .allocate(capacity: 1)
  private var spanCapacity = 0
  private var slots: UnsafeMutablePointer<Int32> = .allocate(capacity: 1)
  private var slotCapacity = 0
  private var scopes: UnsafeMutablePointer<Unmanaged<Scope>> = .allocate(capacity: 1)
  private var scopeCapacity = 1
  /// Units and offsets of a reduced request, behind one another.
  private var names: UnsafeMutablePointer<UInt32> = .allocate(capacity: 1)

  /// Whether it has grown far beyond what requests usually need.
  var isLarge: Bool { spanCapacity > 1 << 16 || scopeCapacity > 1 << 16 }

  init() {
    let none = UnsafeRawPointer(next)
    spans = RequestSpans(
      spans: none.assumingMemoryBound(to: SpanEntry.self),
      attributes: none.assumingMemoryBound(to: AttributeEntry.self),
      base: none, scopes: scopes, next: next)
  }

  deinit {
    next.deallocate()
    slots.deallocate()
    scopes.deallocate()
    names.deallocate()
  }

  /// Takes a request in, but for the spans of a replayed one that are done. Everything here is valid while the batch is.
  func fill(_ batch: SpanBatch, seed: UInt64, shardCount: Int) {
    let count = batch.spanCount
    reserve(count, scopes: batch.scopes.count)
    for (position, scope) in batch.scopes.enumerated() {
      (scopes + position).initialize(to: .passUnretained(scope))
    }
    spans = RequestSpans(
      spans: batch.index.spans, attributes: batch.index.attributes, base: batch.bytes.baseAddress ?? spans.base,
      scopes: scopes, next: next)
    spans.record = batch.record.map(Unmanaged.passUnretained)
    spans.isReplay = batch.isReplay
    if let origin = batch.origin {
      spans.tenant = origin.tenantNumber
      spans.origin = .passUnretained(origin)
    }
    if batch.units != nil || batch.originalOffsets != nil { name(batch) }
    link(batch.index.spans, count: count, seed: seed ^ spans.tenant, doneIn: batch.isReplay ? batch.record : nil)
    sortByShard(shardCount)
  }

  /// Copies a reduced request's units and offsets to where spans find them.
  private func name(_ batch: SpanBatch) {
    let count = batch.spanCount
    names.deallocate()
    names = .allocate(capacity: 2 * count + 1)
    for position in 0..<count {
      (names + position).initialize(to: batch.unit(of: position))
      (names + (count + position)).initialize(to: batch.originalOffsets?[position] ?? SpanView.unknownOffset)
    }
    spans.units = UnsafePointer(names)
    spans.originalOffsets = UnsafePointer(names + count)
  }

  private func link(_ spans: UnsafePointer<SpanEntry>, count: Int, seed: UInt64, doneIn record: SpoolRecord?) {
    traces.removeAll(keepingCapacity: true)
    let slots = slots
    let next = next
    slots.update(repeating: -1, count: slotCapacity)
    let mask = slotCapacity - 1
    var current = -1
    for position in 0..<count {
      let id = spans[position].traceID
      next[position] = -1
      if let record, record.isDone(Int(self.spans.unit(Int32(position)))) { continue }
      // Spans of one trace mostly stand together.
      if current >= 0, traces[current].id == id {
        next[Int(traces[current].last)] = Int32(position)
        traces[current].last = Int32(position)
        continue
      }
      let hash = TraceHash.hash(id, seed)
      var slot = Int(truncatingIfNeeded: hash) & mask
      while slots[slot] >= 0, traces[Int(slots[slot])].id != id { slot = (slot + 1) & mask }
      if slots[slot] < 0 {
        current = traces.count
        slots[slot] = Int32(current)
        traces.append(Trace(id: id, hash: hash, first: Int32(position), last: Int32(position)))
      } else {
        current = Int(slots[slot])
        next[Int(traces[current].last)] = Int32(position)
        traces[current].last = Int32(position)
      }
    }
  }

  /// The shard of a trace: the hash's upper bits, since tables use the lower ones.
  static func shard(_ hash: UInt64, of count: Int) -> Int { Int(truncatingIfNeeded: hash >> 48) % count }

  private func sortByShard(_ shardCount: Int) {
    var starts = [Int32](repeating: 0, count: shardCount + 1)
    for trace in traces { starts[Self.shard(trace.hash, of: shardCount) + 1] += 1 }
    for shard in 0..<shardCount { starts[shard + 1] += starts[shard] }
    order = [Int32](repeating: 0, count: traces.count)
    for (position, trace) in traces.enumerated() {
      let shard = Self.shard(trace.hash, of: shardCount)
      order[Int(starts[shard])] = Int32(position)
      starts[shard] += 1
    }
    shardEnds = starts
  }

  private func reserve(_ count: Int, scopes scopeCount: Int) {
    if scopeCount > scopeCapacity {
      scopes.deallocate()
      scopeCapacity = scopeCount
      scopes = .allocate(capacity: scopeCount)
    }
    if count > spanCapacity {
      next.deallocate()
      spanCapacity = max(1024, count)
      next = .allocate(capacity: spanCapacity)
    }
    var wanted = 64
    while wanted < count * 2 { wanted *= 2 }
    if wanted != slotCapacity {
      slots.deallocate()
      slotCapacity = wanted
      slots = .allocate(capacity: wanted)
      slots.initialize(repeating: -1, count: wanted)
    }
  }
}
