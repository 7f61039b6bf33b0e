import Compression

/// Numbers as they stand in the spool's files: the lowest byte first.
extension UnsafeRawBufferPointer {
  func number<Number: FixedWidthInteger>(at offset: Int, as type: Number.Type = Number.self) -> Number {
    Number(littleEndian: loadUnaligned(fromByteOffset: offset, as: Number.self))
  }

  func part(from offset: Int, count: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: self[offset..<offset + count])
  }
}

extension UnsafeMutableRawBufferPointer {
  func store<Number: FixedWidthInteger>(_ number: Number, at offset: Int) {
    storeBytes(of: number.littleEndian, toByteOffset: offset, as: Number.self)
  }
}

extension [UInt8] {
  mutating func append<Number: FixedWidthInteger>(number: Number) {
    Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
  }

  func checksum(after previous: UInt32 = 0) -> UInt32 {
    withUnsafeBytes { Checksum.crc32($0, after: previous) }
  }
}

/// The next multiple of 8: everything in a segment begins at one.
func aligned(_ count: Int) -> Int { (count + 7) & ~7 }
