import HTTPServer
import Testing

struct BufferPoolTests {
  private func fill(_ pool: BufferPool, _ count: Int) -> PooledBuffer {
    let buffer = pool.makeBuffer()
    pattern(count).withUnsafeBytes { buffer.append($0) }
    return buffer
  }

  @Test func `memory is used again`() {
    let pool = BufferPool()
    let address = fill(pool, 100_000).withBytes(\.baseAddress)
    #expect(pool.bytesInUse == 0)
    #expect(pool.bytesIdle == 100_000)
    let again = fill(pool, 50_000)
    #expect(again.withBytes(\.baseAddress) == address)
    #expect(pool.bytesInUse == 100_000)
    #expect(pool.bytesIdle == 0)
    #expect(again.array == pattern(50_000))
  }

  @Test func `what is kept is bounded in number, in sum and in size`() {
    let pool = BufferPool(maxIdleCount: 3, maxIdleBytes: 250_000, maxKeptCapacity: 200_000)
    var buffers = (0..<5).map { _ in fill(pool, 20_000) }
    buffers.removeAll()
    #expect(pool.bytesIdle == 60_000)

    let other = BufferPool(maxIdleCount: 3, maxIdleBytes: 250_000, maxKeptCapacity: 200_000)
    buffers = [fill(other, 200_001), fill(other, 150_000), fill(other, 150_000)]
    #expect(other.bytesInUse == 500_001)
    buffers.removeAll()
    #expect(other.bytesIdle == 150_000)
    #expect(other.bytesInUse == 0)
  }

  @Test func `a buffer grows and keeps what is in it`() {
    let pool = BufferPool()
    let buffer = pool.makeBuffer()
    let content = pattern(3_000_000)
    var capacities = Set<Int>()
    for start in stride(from: 0, to: content.count, by: 1000) {
      content[start..<start + 1000].withUnsafeBytes { buffer.append($0, expecting: 3_000_000) }
      capacities.insert(pool.bytesInUse)
    }
    #expect(buffer.array == content)
    #expect(capacities.sorted() == [1 << 20, 2 << 20, 3_000_000])
  }

  @Test func `reserved memory keeps what was written, counted or not`() {
    let pool = BufferPool()
    let buffer = pool.makeBuffer()
    buffer.reserve(10).copyBytes(from: Array(0..<10))
    let larger = buffer.reserve(1 << 20)
    #expect(larger.count >= 1 << 20)
    #expect(Array(larger[..<10]) == Array(0..<10))
    buffer.setCount(4)
    #expect(buffer.array == [0, 1, 2, 3])
  }
}
