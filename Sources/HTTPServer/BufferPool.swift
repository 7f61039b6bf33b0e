import Glibc
import Locks
import Synchronization

/// Memory for request bodies that is used again instead of being allocated, and faulted in, for each request.
///
/// What is kept is bounded in number and in bytes, and a buffer that one huge request has blown up is freed.
package final class BufferPool: @unchecked Sendable {
  // Sendable: `idle` and `idleBytes` are touched only while `lock` is held.
  private let lock = Lock()
  private var idle: [UnsafeMutableRawBufferPointer] = []
  private var idleBytes = 0
  private let inUse = Atomic<Int>(0)

  private let maxIdleCount: Int
  private let maxIdleBytes: Int
  private let maxKeptCapacity: Int

  /// Bytes that all memory has behind its end, uncounted.
  package static let margin = 64

  /// - Parameters:
  ///   - maxIdleCount: unused buffers that are kept.
  ///   - maxIdleBytes: their capacities' sum.
  ///   - maxKeptCapacity: larger buffers are freed as soon as they are unused.
  package init(maxIdleCount: Int = 64, maxIdleBytes: Int = 64 << 20, maxKeptCapacity: Int = 4 << 20) {
    self.maxIdleCount = maxIdleCount
    self.maxIdleBytes = maxIdleBytes
    self.maxKeptCapacity = maxKeptCapacity
    idle.reserveCapacity(maxIdleCount)
  }

  deinit {
    for buffer in idle { free(buffer.baseAddress) }
  }

  /// An empty buffer, which takes memory when it is first written to.
  package func makeBuffer() -> PooledBuffer { PooledBuffer(pool: self) }

  /// Bytes of memory in buffers that somebody holds, for memory limits.
  package var bytesInUse: Int { inUse.load(ordering: .relaxed) }

  /// Bytes of memory kept for later.
  package var bytesIdle: Int { lock.withLock { idleBytes } }

  /// Memory of at least that size with anything in it: preferably what was used last, whose pages are still in the
  /// cache.
  func take(_ capacity: Int) -> UnsafeMutableRawBufferPointer {
    let kept = lock.withLock { () -> UnsafeMutableRawBufferPointer? in
      guard let memory = idle.popLast() else { return nil }
      idleBytes -= memory.count
      return memory
    }
    if let kept, kept.count >= capacity {
      inUse.add(kept.count, ordering: .relaxed)
      return kept
    }
    // Not by realloc, which would copy what nobody needs.
    free(kept?.baseAddress)
    return enlarge(UnsafeMutableRawBufferPointer(start: nil, count: 0), to: capacity)
  }

  /// Enlarges memory that came from `take`, with what is in it.
  func enlarge(_ memory: UnsafeMutableRawBufferPointer, to capacity: Int) -> UnsafeMutableRawBufferPointer {
    guard let new = realloc(memory.baseAddress, capacity + Self.margin) else {
      fatalError("out of memory: \(capacity) bytes for a request body")
    }
    inUse.add(capacity - memory.count, ordering: .relaxed)
    return UnsafeMutableRawBufferPointer(start: new, count: capacity)
  }

  /// Takes memory back.
  func give(_ memory: UnsafeMutableRawBufferPointer) {
    guard memory.count > 0 else { return }
    inUse.subtract(memory.count, ordering: .relaxed)
    let kept = lock.withLock {
      guard
        memory.count <= maxKeptCapacity, idle.count < maxIdleCount, idleBytes + memory.count <= maxIdleBytes
      else { return false }
      idle.append(memory)
      idleBytes += memory.count
      return true
    }
    if !kept { free(memory.baseAddress) }
  }
}
