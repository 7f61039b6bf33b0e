/// Base-128 numbers of the protobuf wire format.
package enum Varint {
  /// Bytes that a number takes.
  @inline(__always)
  package static func size(_ value: Int) -> Int {
    let bits = Int.bitWidth - (value | 1).leadingZeroBitCount
    return (bits * 9 + 64) / 64
  }

  /// Writes a number and returns the place behind it.
  @inline(__always)
  package static func write(_ value: Int, to destination: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
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
}
