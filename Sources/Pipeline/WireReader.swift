/// Why bytes are no protobuf message.
package enum WireError: Error, Equatable {
  /// The message ends inside a field.
  case truncated
  /// A tag that cannot be: field number 0, or a wire type that proto3 does not have.
  case invalidTag
  /// A varint of more than 64 bits.
  case invalidVarint
}

/// One field of a message, still inside the message's bytes.
package struct WireField {
  package enum Value {
    case varint(UInt64)
    case fixed64(UInt64)
    case fixed32(UInt32)
    /// A string, a byte string, a message, or packed numbers.
    case bytes(UnsafeRawBufferPointer)
  }

  package let number: Int
  package let value: Value
  /// The whole field with its tag, to be copied as it is.
  package let encoding: UnsafeRawBufferPointer

  /// The value of a length-delimited field.
  package var bytes: UnsafeRawBufferPointer? {
    if case .bytes(let bytes) = value { bytes } else { nil }
  }
}

/// Reads the fields of one protobuf message, in their order, without copying anything.
///
/// For the few places outside the hot path that look into a request; it borrows the bytes and trusts none of them.
package struct WireReader {
  private let message: UnsafeRawBufferPointer
  private var position = 0

  package init(_ message: UnsafeRawBufferPointer) {
    self.message = message
  }

  /// The next field, or nil at the end.
  ///
  /// - Throws: `WireError`; nothing more can be read then.
  package mutating func next() throws(WireError) -> WireField? {
    guard position < message.count else { return nil }
    let start = position
    let tag = try varint()
    guard let number = Int(exactly: tag >> 3), (1..<(1 << 29)).contains(number) else { throw .invalidTag }
    let value: WireField.Value
    switch tag & 7 {
    case 0: value = .varint(try varint())
    case 1: value = .fixed64(UInt64(littleEndian: try take(8).loadUnaligned(as: UInt64.self)))
    case 2: value = .bytes(try take(try varint()))
    case 5: value = .fixed32(UInt32(littleEndian: try take(4).loadUnaligned(as: UInt32.self)))
    default: throw .invalidTag
    }
    return WireField(
      number: number, value: value, encoding: UnsafeRawBufferPointer(rebasing: message[start..<position]))
  }

  private mutating func take(_ count: UInt64) throws(WireError) -> UnsafeRawBufferPointer {
    guard count <= UInt64(message.count - position) else { throw .truncated }
    defer { position += Int(count) }
    return UnsafeRawBufferPointer(rebasing: message[position..<position + Int(count)])
  }

  private mutating func varint() throws(WireError) -> UInt64 {
    var result: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard position < message.count else { throw .truncated }
      let byte = message[position]
      position += 1
      guard shift < 63 || byte <= 1 else { throw .invalidVarint }
      result |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return result }
    }
    throw .invalidVarint
  }
}

extension [UInt8] {
  /// Adds `value` in base 128, the least significant group first.
  package mutating func appendVarint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(rest))
  }

  /// Adds a length-delimited field.
  package mutating func appendField(_ number: Int, _ content: some Collection<UInt8>) {
    appendVarint(UInt64(number) << 3 | 2)
    appendVarint(UInt64(content.count))
    append(contentsOf: content)
  }
}
