/// Memory that only grows, used again for every message of a connection.
final class Memory {
  private(set) var bytes = UnsafeMutableRawBufferPointer(start: nil, count: 0)

  deinit {
    bytes.deallocate()
  }

  /// At least `count` bytes, of which the first are what they were.
  @discardableResult
  func reserve(_ count: Int) -> UnsafeMutableRawBufferPointer {
    guard count > bytes.count else { return bytes }
    let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, 2 * bytes.count), alignment: 16)
    larger.copyMemory(from: UnsafeRawBufferPointer(bytes))
    bytes.deallocate()
    bytes = larger
    return larger
  }

  /// The first `count` bytes.
  func prefix(_ count: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes[..<count])
  }
}
