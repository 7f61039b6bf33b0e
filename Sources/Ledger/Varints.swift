/// Base-128 numbers in the blobs of the ledger.
struct VarintReader {
  private let bytes: UnsafeRawBufferPointer
  var position: Int

  init(_ bytes: UnsafeRawBufferPointer, from position: Int = 0) {
    self.bytes = bytes
    self.position = position
  }

  var isAtEnd: Bool { position >= bytes.count }

  /// nil at the end, and where there is none.
  mutating func next() -> UInt64? {
    if position < bytes.count, bytes[position] < 0x80 {
      defer { position += 1 }
      return UInt64(bytes[position])
    }
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while position < bytes.count, shift < 64 {
      let byte = bytes[position]
      position += 1
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    return nil
  }
}

extension [UInt8] {
  mutating func append(varint value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(truncatingIfNeeded: rest))
  }

  /// All numbers that the bytes are; what is no number ends them.
  var varints: [UInt64] {
    withUnsafeBytes { bytes in
      var reader = VarintReader(bytes)
      var numbers: [UInt64] = []
      while let number = reader.next() { numbers.append(number) }
      return numbers
    }
  }
}
