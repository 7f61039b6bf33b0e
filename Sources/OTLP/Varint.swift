/// Base-128 numbers of the protobuf wire format.
@usableFromInline package enum Varint {
  /// Bytes that a number takes.
  @inline(__always) @inlinable package static func size(_ value: Int) -> Int {
    let bits = Int.bitWidth - (value | 1).leadingZeroBitCount
    return (bits * 9 + 64) / 64
  }

  /// Writes a number and returns the place behind it.
  @inline(__always) @inlinable package static func write(_ value: Int, to destination: UnsafeMutableRawPointer)
    -> UnsafeMutableRawPointer
  {
    var rest = UInt(bitPattern: value)
    var at = destination
    while rest >= 0x80 {
      at.storeBytes(of: UInt8(truncatingIfNeeded: rest) | 0x80, as: UInt8.self)
      rest >>= 7
      at += 1
    }
    at.storeBytes(of: UInt8(truncatingIfNeeded: rest), as: UInt8.self)
    return at + 1
  }

  /// The number that these bytes begin with; what a checked message holds, so it ends within them.
  @inlinable package static func read(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    for byte in bytes.prefix(10) {
      if shift < 64 { value |= UInt64(byte & 0x7f) << shift }
      if byte < 0x80 { break }
      shift += 7
    }
    return value
  }

  /// A difference of two numbers as one that is small where they are close to one another, and back.
  @inline(__always) @inlinable package static func zigzag(_ difference: UInt64) -> UInt64 {
    difference << 1 ^ UInt64(bitPattern: Int64(bitPattern: difference) >> 63)
  }

  @inline(__always) @inlinable package static func unzigzag(_ value: UInt64) -> UInt64 {
    value >> 1 ^ (0 &- (value & 1))
  }

  @inlinable package static func append(_ value: Int, to bytes: inout [UInt8]) {
    var rest = UInt(bitPattern: value)
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }
}
