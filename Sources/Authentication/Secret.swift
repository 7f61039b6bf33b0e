import Digests

/// What secrets are known by: comparing digests takes the same time for any that are wrong, and tells nothing of the secrets.
struct SecretDigest: Hashable, Sendable {
  private let words: [UInt8]

  /// The digest of a secret in this process: another one has another key.
  init(of secret: String) {
    words = Self.digest(Array(secret.utf8))
  }

  /// The digest of a name and a secret together.
  init(of secret: String, named name: String) {
    words = Self.digest(Array(name.utf8) + [0] + Array(secret.utf8))
  }

  private static let key: [UInt8] = {
    var random = SystemRandomNumberGenerator()
    return (0..<32).map { _ in UInt8.random(in: 0 ... .max, using: &random) }
  }()

  private static func digest(_ bytes: [UInt8]) -> [UInt8] {
    bytes.withUnsafeBytes { KeyedHash.digest(of: $0, key: key) }
  }
}
