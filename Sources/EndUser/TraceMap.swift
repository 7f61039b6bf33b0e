import OTLP

/// Entries by trace id: open addressing in raw memory, with entries in pages that never move.
struct TraceMap {
  private struct Slot {
    var hash: UInt64
    var entry: TraceEntry.Pointer?
  }

  private static let pageSize = 256
  private var slots: UnsafeMutablePointer<Slot>
  private var mask: Int
  private(set) var count = 0
  private var pages: [TraceEntry.Pointer] = []
  private var free: [TraceEntry.Pointer] = []

  init() {
    mask = 255
    slots = Self.makeSlots(mask + 1)
  }

  /// Frees the map's own memory and that of its entries, whose waiting spans must have been taken out.
  mutating func destroy() {
    for place in 0...mask { slots[place].entry?.pointee.free() }
    slots.deallocate()
    for page in pages { page.deallocate() }
    pages = []
  }

  /// The entry of a tenant's trace.
  @inline(__always)
  func find(_ id: TraceID, of tenant: UInt64, hash: UInt64) -> TraceEntry.Pointer? {
    var place = Int(truncatingIfNeeded: hash) & mask
    while let entry = slots[place].entry {
      if slots[place].hash == hash, entry.pointee.id == id, entry.pointee.tenant == tenant { return entry }
      place = (place + 1) & mask
    }
    return nil
  }

  /// A new entry for a trace that has none.
  mutating func insert(_ id: TraceID, of tenant: UInt64, hash: UInt64, since: UInt64) -> TraceEntry.Pointer {
    if count >= (mask + 1) / 4 * 3 { grow() }
    if free.isEmpty { addPage() }
    let entry = free.removeLast()
    entry.initialize(to: TraceEntry(id: id, tenant: tenant, since: since))
    place(Slot(hash: hash, entry: entry))
    count += 1
    return entry
  }

  /// Ends an entry.
  mutating func remove(_ entry: TraceEntry.Pointer, hash: UInt64) {
    var hole = Int(truncatingIfNeeded: hash) & mask
    while slots[hole].entry != entry { hole = (hole + 1) & mask }
    // Followers move up, so that no search ends early at the hole.
    var next = (hole + 1) & mask
    while slots[next].entry != nil {
      let home = Int(truncatingIfNeeded: slots[next].hash) & mask
      if (next &- home) & mask >= (next &- hole) & mask {
        slots[hole] = slots[next]
        hole = next
      }
      next = (next + 1) & mask
    }
    slots[hole].entry = nil
    count -= 1
    entry.pointee.free()
    entry.deinitialize(count: 1)
    free.append(entry)
  }

  private func place(_ slot: Slot) {
    var place = Int(truncatingIfNeeded: slot.hash) & mask
    while slots[place].entry != nil { place = (place + 1) & mask }
    slots[place] = slot
  }

  private mutating func grow() {
    let old = slots
    let oldCount = mask + 1
    mask = oldCount * 2 - 1
    slots = Self.makeSlots(mask + 1)
    for place in 0..<oldCount where old[place].entry != nil { self.place(old[place]) }
    old.deallocate()
  }

  private mutating func addPage() {
    let page = TraceEntry.Pointer.allocate(capacity: Self.pageSize)
    pages.append(page)
    for offset in (0..<Self.pageSize).reversed() { free.append(page + offset) }
  }

  private static func makeSlots(_ count: Int) -> UnsafeMutablePointer<Slot> {
    let slots = UnsafeMutablePointer<Slot>.allocate(capacity: count)
    slots.initialize(repeating: Slot(hash: 0, entry: nil), count: count)
    return slots
  }
}
