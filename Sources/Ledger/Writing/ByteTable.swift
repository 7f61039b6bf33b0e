import Glibc

/// Values by text or other bytes, which are compared as they are: `String` takes "é" in one scalar and in two for the same, which
/// SQLite does not, and nobody may be taken for somebody else. To look something up allocates nothing.
struct ByteTable<Value>: ~Copyable {
  typealias Key = UnsafeRawBufferPointer

  struct Entry {
    var hash: UInt64
    /// Of the key, in `keys`.
    var start: Int
    var length: Int
    var value: Value
  }

  // Memory of its own: an array would count who uses it at each look into it.
  private(set) var count = 0
  private var capacity: Int
  private var entries: UnsafeMutablePointer<Entry>
  /// Places of entries by their hashes; -1 where there is none. Twice as many as there is room for entries, a power of two.
  private var slots: UnsafeMutablePointer<Int32>
  private var keys = UnsafeMutableRawBufferPointer.allocate(byteCount: 256, alignment: 8)
  private var usedBytes = 0
  /// Bytes of keys that were removed.
  private var unusedBytes = 0
  private let seed = (UInt64.random(in: .min ... .max), UInt64.random(in: .min ... .max) | 1)

  /// - Parameter room: for so many values at first, at least.
  init(room: Int = 8) {
    capacity = 8
    while capacity < room { capacity *= 2 }
    entries = .allocate(capacity: capacity)
    slots = Self.makeSlots(2 * capacity)
  }

  deinit {
    entries.deinitialize(count: count)
    entries.deallocate()
    slots.deallocate()
    keys.deallocate()
  }

  subscript(key: Key) -> Value? {
    let place = Int(slots[slot(of: key, hash(key))])
    return place < 0 ? nil : entries[place].value
  }

  mutating func set(_ value: Value, for key: Key) {
    let hash = hash(key)
    let known = Int(slots[slot(of: key, hash)])
    if known >= 0 {
      entries[known].value = value
      return
    }
    if count == capacity { grow() }
    if keys.count - usedBytes < key.count { moveKeys(to: 2 * (usedBytes + key.count)) }
    UnsafeMutableRawBufferPointer(rebasing: keys[usedBytes..<usedBytes + key.count]).copyMemory(from: key)
    (entries + count).initialize(to: Entry(hash: hash, start: usedBytes, length: key.count, value: value))
    usedBytes += key.count
    link(count)
    count += 1
  }

  @discardableResult
  mutating func remove(_ key: Key) -> Value? {
    let slot = slot(of: key, hash(key))
    guard slots[slot] >= 0 else { return nil }
    let place = Int(slots[slot])
    free(slot)
    unusedBytes += entries[place].length
    let removed = (entries + place).move()
    count -= 1
    if place < count {
      // The last one takes its place.
      slots[self.slot(ofEntry: count)] = Int32(place)
      (entries + place).moveInitialize(from: entries + count, count: 1)
    }
    if unusedBytes > keys.count / 2 { moveKeys(to: keys.count) }
    return removed.value
  }

  mutating func removeAll() { self = ByteTable() }

  // MARK: Slots

  private var mask: Int { 2 * capacity - 1 }

  private static func makeSlots(_ count: Int) -> UnsafeMutablePointer<Int32> {
    let slots = UnsafeMutablePointer<Int32>.allocate(capacity: count)
    slots.initialize(repeating: -1, count: count)
    return slots
  }

  /// Where a key is, or would be.
  @inline(__always)
  private func slot(of key: Key, _ hash: UInt64) -> Int {
    var slot = Int(truncatingIfNeeded: hash) & mask
    while slots[slot] >= 0 {
      let entry = entries + Int(slots[slot])
      if entry.pointee.hash == hash, entry.pointee.length == key.count, isKey(key, at: entry.pointee.start) { break }
      slot = (slot + 1) & mask
    }
    return slot
  }

  private func slot(ofEntry place: Int) -> Int {
    var slot = Int(truncatingIfNeeded: entries[place].hash) & mask
    while slots[slot] != Int32(place) { slot = (slot + 1) & mask }
    return slot
  }

  @inline(__always)
  private func isKey(_ key: Key, at start: Int) -> Bool {
    guard let bytes = key.baseAddress else { return true }
    return memcmp(keys.baseAddress! + start, bytes, key.count) == 0
  }

  private func link(_ place: Int) {
    var slot = Int(truncatingIfNeeded: entries[place].hash) & mask
    while slots[slot] >= 0 { slot = (slot + 1) & mask }
    slots[slot] = Int32(place)
  }

  /// Empties a slot, and moves up what was put behind it for want of a place before.
  private func free(_ slot: Int) {
    var hole = slot
    var next = (slot + 1) & mask
    while slots[next] >= 0 {
      let home = Int(truncatingIfNeeded: entries[Int(slots[next])].hash) & mask
      if (next &- home) & mask >= (next &- hole) & mask {
        slots[hole] = slots[next]
        hole = next
      }
      next = (next + 1) & mask
    }
    slots[hole] = -1
  }

  // MARK: Memory

  private mutating func grow() {
    let old = entries
    capacity *= 2
    entries = .allocate(capacity: capacity)
    entries.moveInitialize(from: old, count: count)
    old.deallocate()
    slots.deallocate()
    slots = Self.makeSlots(2 * capacity)
    for place in 0..<count { link(place) }
  }

  /// Moves keys together, into so much memory.
  private mutating func moveKeys(to size: Int) {
    let old = keys
    keys = .allocate(byteCount: size, alignment: 8)
    usedBytes = 0
    for place in 0..<count {
      let key = Key(rebasing: Key(old)[entries[place].start..<entries[place].start + entries[place].length])
      UnsafeMutableRawBufferPointer(rebasing: keys[usedBytes...]).copyMemory(from: key)
      entries[place].start = usedBytes
      usedBytes += key.count
    }
    unusedBytes = 0
    old.deallocate()
  }

  // MARK: Hashes

  /// By a seed that senders, who choose the keys, don't know.
  @inline(__always)
  private func hash(_ key: Key) -> UInt64 {
    var hash = seed.0 ^ UInt64(key.count)
    guard var at = key.baseAddress else { return hash }
    let end = at + key.count
    while end - at >= 8 {
      hash = mix(hash ^ at.loadUnaligned(as: UInt64.self))
      at += 8
    }
    return at == end ? hash : mix(hash ^ Self.rest(at, end))
  }

  @inline(__always)
  private func mix(_ value: UInt64) -> UInt64 {
    let product = value.multipliedFullWidth(by: seed.1)
    return product.high ^ product.low
  }

  /// Less than 8 bytes in one number.
  @inline(__always)
  private static func rest(_ start: UnsafeRawPointer, _ end: UnsafeRawPointer) -> UInt64 {
    if end - start >= 4 {
      return UInt64(start.loadUnaligned(as: UInt32.self)) | UInt64((end - 4).loadUnaligned(as: UInt32.self)) << 32
    }
    let (first, middle) = (start.load(as: UInt8.self), (start + (end - start) / 2).load(as: UInt8.self))
    return UInt64(first) | UInt64(middle) << 8 | UInt64((end - 1).load(as: UInt8.self)) << 16
  }
}
