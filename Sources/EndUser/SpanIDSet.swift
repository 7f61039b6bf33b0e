import OTLP

/// The span ids of one trace: open addressing over ids, where 0, which is no span id, marks an empty place.
struct SpanIDSet {
  private var slots: UnsafeMutablePointer<UInt64>?
  private var capacity: UInt32 = 0
  private(set) var count: UInt32 = 0

  /// Adds an id; false when it was there already.
  @inline(__always)
  mutating func insert(_ id: UInt64, seed: UInt64) -> Bool {
    // Small sets are searched from end to end, so they may be full; larger ones keep a quarter empty.
    if count == capacity || (capacity > 16 && count >= capacity / 4 * 3) { grow(seed: seed) }
    let place = find(id, seed: seed)
    if slots![place] == id { return false }
    slots![place] = id
    count += 1
    return true
  }

  /// Bytes that the set takes.
  var byteCount: Int { Int(capacity) * MemoryLayout<UInt64>.stride }

  func contains(_ id: UInt64, seed: UInt64) -> Bool {
    guard capacity > 0 else { return false }
    let place = find(id, seed: seed)
    return place < capacity && slots![place] == id
  }

  /// Lets the memory go.
  mutating func free() {
    slots?.deallocate()
    self = SpanIDSet()
  }

  /// Where the id is, or would be.
  @inline(__always)
  private func find(_ id: UInt64, seed: UInt64) -> Int {
    let slots = slots!
    if capacity <= 16 {
      var place = 0
      while place < count, slots[place] != id { place += 1 }
      return place
    }
    let mask = Int(capacity) - 1
    // The sender chooses the ids, so their order in the table must not be theirs to choose.
    var place = Int(truncatingIfNeeded: TraceHash.mix(id, seed)) & mask
    while slots[place] != 0, slots[place] != id { place = (place + 1) & mask }
    return place
  }

  private mutating func grow(seed: UInt64) {
    let old = slots
    let oldCapacity = Int(capacity)
    capacity = capacity == 0 ? 8 : capacity < 16 ? 16 : capacity * 2
    slots = .allocate(capacity: Int(capacity))
    slots!.initialize(repeating: 0, count: Int(capacity))
    let moved = count
    count = 0
    for place in 0..<oldCapacity where old![place] != 0 {
      slots![find(old![place], seed: seed)] = old![place]
      count += 1
    }
    assert(count == moved)
    old?.deallocate()
  }
}

/// Hashes of ids that senders choose, by a seed that they don't know.
enum TraceHash {
  @inline(__always)
  static func mix(_ value: UInt64, _ seed: UInt64) -> UInt64 {
    let product = (value ^ seed).multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15 ^ (seed << 1))
    return product.high ^ product.low
  }

  @inline(__always)
  static func hash(_ id: TraceID, _ seed: UInt64) -> UInt64 {
    mix(id.first ^ mix(id.second, seed), ~seed)
  }
}
