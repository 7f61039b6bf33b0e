/// Reads numbers and runs of bytes, one behind the other, from bytes that nobody has checked.
struct ByteReader {
  private let bytes: UnsafeRawBufferPointer
  private(set) var position = 0
  /// Whether something was asked for that isn't there. From then on there is nothing at all.
  private(set) var failed = false

  init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }

  var isAtEnd: Bool { position == bytes.count }

  @inline(__always)
  mutating func byte() -> UInt8? {
    guard !failed, position < bytes.count else { return fail() }
    defer { position += 1 }
    return bytes[position]
  }

  /// A number of fixed size, little-endian.
  @inline(__always)
  mutating func fixed<Number: FixedWidthInteger & BitwiseCopyable>(_: Number.Type) -> Number? {
    guard !failed, bytes.count - position >= MemoryLayout<Number>.size else { return fail() }
    defer { position += MemoryLayout<Number>.size }
    return Number(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: Number.self))
  }

  /// A base-128 number; none that has more than 64 bits.
  @inline(__always)
  mutating func varint() -> UInt64? {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while let byte = byte() {
      guard shift < 63 || byte <= 1 else { return fail() }
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    return nil
  }

  /// The next bytes, so many.
  @inline(__always)
  mutating func take(_ count: UInt64) -> UnsafeRawBufferPointer? {
    guard !failed, count <= UInt64(bytes.count - position) else { return fail() }
    defer { position += Int(count) }
    return UnsafeRawBufferPointer(rebasing: bytes[position..<position + Int(count)])
  }

  private mutating func fail<Value>() -> Value? {
    failed = true
    return nil
  }
}
