import OTLP
import Pipeline

/// What stands in a `KeyValue` or an `AnyValue`, one member after the other.
enum AnyValueReader {
  typealias Bytes = UnsafeRawBufferPointer

  static let string = 1
  static let bool = 2
  static let int = 3
  static let double = 4
  static let array = 5
  static let kvlist = 6
  static let bytes = 7

  /// A pair's key: the last, if it is there more than once.
  static func key(of pair: Bytes) throws(WireError) -> Bytes {
    var key = Bytes(start: nil, count: 0)
    var reader = WireReader(pair)
    while let field = try reader.next() {
      if field.number == 1, let bytes = field.bytes { key = bytes }
    }
    return key
  }

  /// Lends the contents of a message's length-delimited fields of one number.
  static func forEach(
    _ number: Int, in message: Bytes, _ body: (Bytes) throws(WireError) -> Void
  ) throws(WireError) {
    var reader = WireReader(message)
    while let field = try reader.next() {
      if field.number == number, let bytes = field.bytes { try body(bytes) }
    }
  }

  /// A number as an id is written; nil for a double that is no integer.
  static func digits(_ field: WireField) -> [UInt8]? {
    switch (field.number, field.value) {
    case (int, .varint(let bits)): Array(String(Int64(bitPattern: bits)).utf8)
    case (double, .fixed64(let bits)):
      Int64(exactly: Double(bitPattern: bits)).map { Array(String($0).utf8) }
    default: nil
    }
  }
}

extension [UInt8] {
  /// Adds a length-delimited field.
  mutating func appendBytes(_ number: Int, _ content: UnsafeRawBufferPointer) {
    Varint.append(number << 3 | 2, to: &self)
    Varint.append(content.count, to: &self)
    append(contentsOf: content)
  }

  mutating func appendBytes(_ number: Int, _ content: [UInt8]) {
    Varint.append(number << 3 | 2, to: &self)
    Varint.append(content.count, to: &self)
    append(contentsOf: content)
  }

  /// Makes what was written since a mark the content of a length-delimited field.
  mutating func closeField(_ number: Int, from mark: Int) {
    let length = count - mark
    let tag = number << 3 | 2
    let head = Varint.size(tag) + Varint.size(length)
    append(contentsOf: repeatElement(0, count: head))
    withUnsafeMutableBytes { bytes in
      let start = bytes.baseAddress! + mark
      (start + head).copyMemory(from: start, byteCount: length)
      _ = Varint.write(length, to: Varint.write(tag, to: start))
    }
  }
}
