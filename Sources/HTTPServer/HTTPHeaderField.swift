/// A header that somebody's configuration adds to replies.
package struct HTTPHeaderField: Sendable, Equatable {
  package let name: String
  package let value: String

  /// - Returns: nil when that is no legal header, or one of those that the server writes itself: `Connection`,
  ///   `Content-Length`, `Date` and `Transfer-Encoding`.
  package init?(_ name: String, _ value: String) {
    let servers = ["connection", "content-length", "date", "transfer-encoding"]
    guard !name.isEmpty, name.utf8.allSatisfy(Self.isLetter), !servers.contains(name.lowercased()) else { return nil }
    // libmicrohttpd takes no empty ones.
    guard let first = value.utf8.first, let last = value.utf8.last, first != UInt8(ascii: " "),
      last != UInt8(ascii: " "), value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
    else { return nil }
    self.name = name
    self.value = value
  }

  /// What a name may consist of (RFC 9110, `token`).
  private static func isLetter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }
}
