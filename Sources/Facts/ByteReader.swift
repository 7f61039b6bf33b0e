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
    if at < end {
      let first = at.load(as: UInt8.self)
      if first < 0x80 {
        at += 1
        return UInt64(first)
      }
    }
    return longVarint()
  }

  private mutating func longVarint() -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while at < end {
      let byte = at.load(as: UInt8.self)
      at += 1
      guard shift < 63 || byte <= 1 else { break }
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    fail()
    return 0
  }

  /// The next bytes, so many.
  @inline(__always)
  mutating func take(_ count: UInt64) -> UnsafeRawBufferPointer {
    guard count <= UInt64(end - at) else {
      fail()
      return UnsafeRawBufferPointer(start: nil, count: 0)
    }
    defer { at += Int(count) }
    return UnsafeRawBufferPointer(start: at, count: Int(count))
  }

  private mutating func fail() {
    failed = true
    end = at
  }
}
