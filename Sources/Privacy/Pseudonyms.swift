import Digests

/// What stands in place of end users' ids: `u_` and the first 32 hexadecimal digits of the HMAC-SHA-256 of the id's UTF-8.
///
/// The same key gives the same id the same pseudonym, always. An int is taken by its decimal digits.
package struct Pseudonyms: Sendable, Equatable {
  /// Bytes that a key must have at least.
  package static let fewestKeyBytes = 16
  /// Bytes that an id has at least, unless somebody says otherwise, to be looked for outside the keys that name users.
  package static let usualMinLength = 4

  private let key: [UInt8]
  /// A shorter id is replaced only where a key says that it is one.
  let minLength: Int

  /// - Parameters:
  ///   - key: of the hash; its UTF-8 has `fewestKeyBytes` at least.
  ///   - minLength: bytes of an id that is looked for in other values too.
  package init(key: String, minLength: Int = usualMinLength) {
    self.key = Array(key.utf8)
    self.minLength = minLength
  }

  package func pseudonym(of id: String) -> String {
    var id = id
    return id.withUTF8 { String(decoding: pseudonym(of: UnsafeRawBufferPointer($0)), as: UTF8.self) }
  }

  func pseudonym(of id: UnsafeRawBufferPointer) -> [UInt8] {
    var pseudonym = Array("u_".utf8)
    for byte in KeyedHash.digest(of: id, key: key).prefix(16) {
      pseudonym.append(Self.digits[Int(byte >> 4)])
      pseudonym.append(Self.digits[Int(byte & 15)])
    }
    return pseudonym
  }

  private static let digits = Array("0123456789abcdef".utf8)
}
