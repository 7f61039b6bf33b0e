/// Reads numbers and runs of bytes, one behind the other, from bytes that nobody has checked.
///
/// What isn't there reads as 0 or as nothing, and so does all that is asked for afterwards; `failed` tells at the end. Asking for
/// each single thing whether it was there would take longer than reading it.
struct ByteReader {
  private var at: UnsafeRawPointer
  private let start: UnsafeRawPointer
  private var end: UnsafeRawPointer
  /// Whether something was asked for that isn't there.
  private(set) var failed = false

  init(_ bytes: UnsafeRawBufferPointer) {
    // An empty buffer need not have an address: any will do.
    start = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!
    at = start
    end = start + bytes.count
  }

  var isAtEnd: Bool { at == end }
  var position: Int { at - start }

  @inline(__always)
  mutating func byte() -> UInt8 {
    guard at < end else {
      fail()
      return 0
    }
    defer { at += 1 }
    return at.load(as: UInt8.self)
  }

  /// A number of fixed size, little-endian.
  @inline(__always)
  mutating func fixed<Number: FixedWidthInteger & BitwiseCopyable>(_: Number.Type) -> Number {
    guard end - at >= MemoryLayout<Number>.size else {
      fail()
      return 0
    }
    defer { at += MemoryLayout<Number>.size }
    return Number(littleEndian: at.loadUnaligned(as: Number.self))
  }

  /// A base-128 number; none that has more than 64 bits.
  @inline(__always)
  mutating func varint() -> UInt64 {
    guard at < end else {
      fail()
      return 0
    }
    let first = at.load(as: UInt8.self)
    if first < 0x80 {
      at += 1
      return UInt64(first)
    }
    let (value, behind) = Self.longVarint(at, end)
    guard let behind else {
      fail()
      return 0
    }
    at = behind
    return value
  }

  /// The number and the place behind it. No method: a reader whose address is known to others stays in memory.
  @inline(never)
  private static func longVarint(
    _ start: UnsafeRawPointer, _ end: UnsafeRawPointer
  ) -> (value: UInt64, behind: UnsafeRawPointer?) {
    if end - start >= 8 {
      let word = UInt64(littleEndian: start.loadUnaligned(as: UInt64.self))
      let ends = ~word & 0x8080_8080_8080_8080
      if ends != 0 {
        // Seven bits of each byte, moved together.
        let bits = ends.trailingZeroBitCount + 1
        let bytes = word & (.max >> UInt64(64 - bits))
        let pairs = (bytes & 0x007f_007f_007f_007f) | (bytes & 0x7f00_7f00_7f00_7f00) >> 1
        let fours = (pairs & 0x0000_3fff_0000_3fff) | (pairs & 0x3fff_0000_3fff_0000) >> 2
        return ((fours & 0x0fff_ffff) | (fours & 0x0fff_ffff_0000_0000) >> 4, start + bits / 8)
      }
    }
    var at = start
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while at < end {
      let byte = at.load(as: UInt8.self)
      at += 1
      guard shift < 63 || byte <= 1 else { break }
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return (value, at) }
      shift += 7
    }
    return (0, nil)
  }

  /// The next bytes, so many.
  @inline(__always)
  mutating func take(_ count: UInt64) -> UnsafeRawBufferPointer {
    guard count <= UInt64(bitPattern: Int64(end - at)) else {
      fail()
      return UnsafeRawBufferPointer(start: nil, count: 0)
    }
    defer { at += Int(truncatingIfNeeded: count) }
    return UnsafeRawBufferPointer(start: at, count: Int(truncatingIfNeeded: count))
  }

  @inline(__always)
  private mutating func fail() {
    failed = true
    end = at
  }
}
