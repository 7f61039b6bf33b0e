/// Reads the fields of a protobuf message where they lie.
///
/// On purpose it shares nothing with the collector's own index: what it finds is evidence, and a mistake made twice in
/// the same code would be none.
struct WireReader {
  /// What no protobuf parser would read.
  struct Malformed: Error, CustomStringConvertible {
    let description = "malformed protobuf"
  }

  private var position: UnsafeRawPointer
  private let end: UnsafeRawPointer
  private(set) var number: UInt64 = 0
  /// The value of a length-delimited field; empty for all others.
  private(set) var bytes = UnsafeRawBufferPointer(start: nil, count: 0)

  /// The value of a varint field; 0 for all others.
  private(set) var value: UInt64 = 0

  init(_ message: UnsafeRawBufferPointer) {
    // An empty buffer may have no address; any will do, as nothing is read.
    position = message.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!
    end = position + message.count
  }

  /// Goes to the next field.
  ///
  /// - Returns: false at the end of the message.
  /// - Throws: `Malformed`.
  @inline(__always)
  mutating func next() throws(Malformed) -> Bool {
    guard position < end else { return false }
    let tag = try varint()
    number = tag >> 3
    bytes = UnsafeRawBufferPointer(start: nil, count: 0)
    value = 0
    switch tag & 7 {
    case 0: value = try varint()
    case 1: try skip(8)
    case 2:
      let length = try varint()
      guard length <= UInt64(end - position) else { throw Malformed() }
      bytes = UnsafeRawBufferPointer(start: position, count: Int(length))
      position += Int(length)
    case 5: try skip(4)
    default: throw Malformed()
    }
    guard number > 0 else { throw Malformed() }
    return true
  }

  @inline(__always)
  private mutating func skip(_ count: Int) throws(Malformed) {
    guard end - position >= count else { throw Malformed() }
    position += count
  }

  @inline(__always)
  private mutating func varint() throws(Malformed) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while position < end, shift < 64 {
      let byte = position.load(as: UInt8.self)
      position += 1
      value |= UInt64(byte & 0x7F) << shift
      guard byte >= 0x80 else { return value }
      shift += 7
    }
    throw Malformed()
  }
}
