import Glibc

/// Bytes in memory that goes back to its `BufferPool` when the last reference is gone.
///
/// One thread at a time may write to it. Who hands it on hands on the right to write.
package final class PooledBuffer: @unchecked Sendable {
  // Sendable: ownership moves between threads as a whole, see above.
  private let pool: BufferPool
  private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)

  /// Bytes written so far.
  package private(set) var count = 0

  init(pool: BufferPool) {
    self.pool = pool
  }

  deinit {
    pool.give(memory)
  }

  /// The bytes written so far, valid while this object lives and is not written to. Swift may end a local variable's
  /// life right after its last use: this is for those who store the object for longer, the others take `withBytes`.
  package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[..<count]) }

  /// Lends the bytes written so far.
  package func withBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    defer { withExtendedLifetime(self) {} }
    return try body(bytes)
  }

  /// Lends the bytes written so far, which `BufferPool.margin` zero bytes follow: for readers that look at many bytes at
  /// once.
  package func withPaddedBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    defer { withExtendedLifetime(self) {} }
    if memory.count == 0 { _ = reserve(1) }
    // The margin lies behind the memory, so that it is there however full that is.
    memset(memory.baseAddress! + count, 0, BufferPool.margin)
    return try body(bytes)
  }

  /// Makes room for `capacity` bytes in all.
  ///
  /// - Parameter capacity: nothing happens when there is as much.
  /// - Returns: the memory, at least that large, which starts with what was written to it before. Valid until the next
  ///   call.
  package func reserve(_ capacity: Int) -> UnsafeMutableRawBufferPointer {
    if memory.count < capacity {
      memory = memory.count == 0 ? pool.take(capacity) : pool.enlarge(memory, to: capacity)
    }
    return memory
  }

  /// Says how many bytes have been written to the memory that `reserve` returned.
  package func setCount(_ newCount: Int) {
    precondition(newCount <= memory.count, "more bytes than memory")
    count = newCount
  }

  /// Appends bytes; the memory grows geometrically.
  ///
  /// - Parameters:
  ///   - source: what is copied.
  ///   - expected: how many bytes a stranger says there will be in all, if he does. The first memory is as large, but
  ///     not larger than a mebibyte; later ones do not exceed it.
  package func append(_ source: UnsafeRawBufferPointer, expecting expected: Int? = nil) {
    let needed = count + source.count
    if memory.count < needed {
      let grown = max(min(expected ?? 0, Self.maxFirstCapacity), memory.count * 2)
      _ = reserve(max(needed, min(grown, expected ?? grown), Self.minCapacity))
    }
    UnsafeMutableRawBufferPointer(rebasing: memory[count...]).copyMemory(from: source)
    count = needed
  }

  private static let maxFirstCapacity = 1 << 20
  private static let minCapacity = 16 << 10
}
