/// The last row of a page: where the next one begins. It holds what the row was sorted by, so that rows which come and go in
/// between neither repeat nor hide others.
struct Cursor: Equatable {
  /// What the list was sorted by, in that row.
  var value: SQLValue
  var row: Int64

  private static let version: UInt8 = 1

  /// For URLs, without a character that would have to be escaped. `query` is the query's fingerprint: a cursor leads on in
  /// the query that it came from alone.
  func text(of query: UInt64) -> String {
    var bytes = [Self.version]
    bytes.append(littleEndian: query)
    bytes.append(littleEndian: UInt64(bitPattern: row))
    bytes.append(value)
    return Base64URL.encode(bytes)
  }

  /// nil for what is no cursor of that query.
  init?(_ text: String, of query: UInt64) {
    guard text.utf8.count <= Self.longestText, let bytes = Base64URL.decode(text) else { return nil }
    var rest = bytes[...]
    guard rest.popFirst() == Self.version, rest.popLittleEndian() == query, let row = rest.popLittleEndian(),
      let value = rest.popSQLValue(), rest.isEmpty
    else { return nil }
    self.row = Int64(bitPattern: row)
    self.value = value
  }

  init(value: SQLValue, row: Int64) {
    self.value = value
    self.row = row
  }

  /// Names are far shorter.
  private static let longestText = 64 << 10
}

/// What tells one query from another: FNV-1a of all that its rows and their order depend on.
struct Fingerprint {
  private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

  mutating func add(_ text: String) {
    add(.text(text))
  }

  mutating func add(_ value: SQLValue) {
    var bytes: [UInt8] = []
    bytes.append(value)
    bytes.append(littleEndian: UInt64(bytes.count))
    for byte in bytes { self.value = (self.value ^ UInt64(byte)) &* 0x100_0000_01b3 }
  }
}

extension [UInt8] {
  fileprivate mutating func append(littleEndian value: UInt64) {
    for shift in stride(from: UInt64(0), to: 64, by: 8) { append(UInt8(truncatingIfNeeded: value >> shift)) }
  }

  /// A letter for the type, then the value; text and blobs go on to the end.
  fileprivate mutating func append(_ value: SQLValue) {
    switch value {
    case .null: append(UInt8(ascii: "n"))
    case .int(let int):
      append(UInt8(ascii: "i"))
      append(littleEndian: UInt64(bitPattern: int))
    case .real(let real):
      append(UInt8(ascii: "r"))
      append(littleEndian: real.bitPattern)
    case .text(let text):
      append(UInt8(ascii: "t"))
      append(contentsOf: text.utf8)
    case .blob(let bytes):
      append(UInt8(ascii: "b"))
      append(contentsOf: bytes)
    }
  }
}

extension ArraySlice<UInt8> {
  fileprivate mutating func popLittleEndian() -> UInt64? {
    guard count >= 8 else { return nil }
    defer { removeFirst(8) }
    return prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  fileprivate mutating func popSQLValue() -> SQLValue? {
    switch popFirst() {
    case UInt8(ascii: "n"): return .null
    case UInt8(ascii: "i"): return popLittleEndian().map { .int(Int64(bitPattern: $0)) }
    case UInt8(ascii: "r"): return popLittleEndian().map { .real(Double(bitPattern: $0)) }
    case UInt8(ascii: "t"):
      defer { self = [] }
      return String(validating: self, as: UTF8.self).map { .text($0) }
    case UInt8(ascii: "b"):
      defer { self = [] }
      return .blob(Array(self))
    default: return nil
    }
  }
}
