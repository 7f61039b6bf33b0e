import HTTPServer

/// Memory of a server's pool that a test keeps from it.
final class HeldBuffer {
  private let size: Int
  private var buffer: PooledBuffer?

  init(megabytes: Int) {
    size = megabytes << 20
  }

  func hold(_ pool: BufferPool) {
    let buffer = pool.makeBuffer()
    _ = buffer.reserve(size)
    self.buffer = buffer
  }

  func release() { buffer = nil }
}
