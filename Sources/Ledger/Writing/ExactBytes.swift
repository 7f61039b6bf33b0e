import Glibc

/// Bytes as a key. An array would be hashed byte by byte.
struct ExactBytes: Hashable {
  let bytes: [UInt8]

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  static func == (one: ExactBytes, other: ExactBytes) -> Bool {
    one.bytes.count == other.bytes.count
      && one.bytes.withUnsafeBytes { one in
        other.bytes.withUnsafeBytes { one.isEmpty || memcmp(one.baseAddress!, $0.baseAddress!, one.count) == 0 }
      }
  }

  func hash(into hasher: inout Hasher) {
    bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
  }
}
