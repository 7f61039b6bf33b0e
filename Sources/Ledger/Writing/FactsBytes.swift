import OTLP

/// Bytes that are written straight into their memory. A value like an array, but for that its memory is used again: what one
/// thread writes another frees.
struct FactsBytes: Sendable {
  private final class Memory: @unchecked Sendable {
    // Sendable: written only while one value alone has it.
    let place: UnsafeMutableRawBufferPointer

    init(_ place: UnsafeMutableRawBufferPointer) { self.place = place }

    deinit { ChunkPool.shared.put([place]) }
  }

  private var memory: Memory?
  private(set) var count = 0

  init() {}

  /// A copy of bytes, in as much memory as it takes.
  init(_ bytes: UnsafeRawBufferPointer) {
    guard !bytes.isEmpty else { return }
    let place = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 8)
    place.copyMemory(from: bytes)
    memory = Memory(place)
    count = bytes.count
  }

  var isEmpty: Bool { count == 0 }
  /// Bytes of memory that are taken.
  var capacity: Int { memory?.place.count ?? 0 }

  /// Empties it, and keeps the memory where nobody else has it.
  mutating func removeAll() {
    if !isKnownUniquelyReferenced(&memory) { memory = nil }
    count = 0
  }

  /// Adds bytes. There is room for them.
  @inline(__always)
  mutating func append(_ added: UnsafeRawBufferPointer) {
    (memory!.place.baseAddress! + count).copyMemory(from: added.baseAddress!, byteCount: added.count)
    count += added.count
  }

  /// Says how many bytes there are now that some were written behind them, into the room for them.
  @inline(__always)
  mutating func end(at count: Int) { self.count = count }

  /// Makes room for so many more bytes. Returns where the first of all bytes is.
  @inline(__always)
  @discardableResult
  mutating func reserve(_ more: Int) -> UnsafeMutableRawPointer {
    guard isKnownUniquelyReferenced(&memory), let place = memory?.place, place.count - count >= more else {
      return grow(more)
    }
    return place.baseAddress!
  }

  private mutating func grow(_ more: Int) -> UnsafeMutableRawPointer {
    let place = ChunkPool.shared.take(max(count + more, min(2 * count, count + (1 << 20)), 256))
    withUnsafeBytes { place.copyMemory(from: $0) }
    memory = Memory(place)
    return place.baseAddress!
  }

  /// Overwrites a number among the bytes, where there is room.
  @inline(__always)
  func store(_ number: UInt32, at offset: Int) {
    memory!.place.storeBytes(of: number, toByteOffset: offset, as: UInt32.self)
  }

  @inline(__always)
  func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    defer { withExtendedLifetime(memory) {} }
    return try body(UnsafeRawBufferPointer(start: memory?.place.baseAddress, count: count))
  }
}
