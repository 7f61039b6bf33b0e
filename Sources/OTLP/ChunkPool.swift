import Locks

/// Memory for outgoing requests and for facts, in pieces that are used again: fresh pages cost more than the copy into them.
package final class ChunkPool: Sendable {
  /// The pool of the process.
  package static let shared = ChunkPool(capacity: 512)

  /// Bytes of a pooled piece.
  package static let chunkSize = 64 * 1024

  private let free = Locked<[UInt]>([])
  private let capacity: Int

  /// Keeps at most `capacity` unused pieces.
  package init(capacity: Int) {
    self.capacity = capacity
  }

  /// Pieces that wait to be used again.
  package var unusedCount: Int { free.withLock { $0.count } }

  /// A piece of at least that many bytes.
  package func take(_ byteCount: Int) -> UnsafeMutableRawBufferPointer {
    guard byteCount <= Self.chunkSize, byteCount > Self.chunkSize / 16 else {
      return .allocate(byteCount: byteCount, alignment: 8)
    }
    let known = free.withLock { $0.popLast() }
    guard let known, let base = UnsafeMutableRawPointer(bitPattern: known) else {
      return .allocate(byteCount: Self.chunkSize, alignment: 8)
    }
    return UnsafeMutableRawBufferPointer(start: base, count: Self.chunkSize)
  }

  /// Gives pieces back, to be used again or freed.
  package func put(_ chunks: [UnsafeMutableRawBufferPointer]) {
    let rest = free.withLock { free in
      chunks.filter { chunk in
        guard chunk.count == Self.chunkSize, free.count < capacity else { return true }
        free.append(UInt(bitPattern: chunk.baseAddress))
        return false
      }
    }
    for chunk in rest { chunk.deallocate() }
  }
}
