import CCrypt

/// A password as an htpasswd file has it.
enum HashedPassword: Sendable, Equatable {
  /// As libcrypt hashes: `$2y$` (bcrypt), `$6$`, `$5$`, `$1$` and others.
  case crypt(String)
  /// Apache's own MD5, what stands behind `$apr1$`.
  case apache(salt: [UInt8], hash: String)
  /// SHA-1 of the password and a salt, which mostly is empty.
  case sha1(digest: [UInt8], salt: [UInt8])
  case plain(String)

  /// - Parameter text: what stands behind the name.
  /// - Throws: when it is hashed in a way that is not known here.
  init(_ text: String) throws(CredentialFileError) {
    if text.hasPrefix("$apr1$") {
      let pieces = text.split(separator: "$", omittingEmptySubsequences: false)
      guard pieces.count == 4 else { throw CredentialFileError(description: "a broken $apr1$ password") }
      self = .apache(salt: Array(pieces[2].utf8.prefix(8)), hash: String(pieces[3]))
    } else if text.hasPrefix("{SHA}") || text.hasPrefix("{SSHA}") {
      let encoded = text.drop { $0 != "}" }.dropFirst()
      guard let bytes = Base64.decode(encoded.utf8), bytes.count >= CCRYPT_SHA1_SIZE else {
        throw CredentialFileError(description: "a broken {SHA} password")
      }
      self = .sha1(
        digest: Array(bytes.prefix(Int(CCRYPT_SHA1_SIZE))), salt: Array(bytes.dropFirst(Int(CCRYPT_SHA1_SIZE))))
    } else if text.hasPrefix("$") {
      // Taken for plain, a hash of a kind that nobody here knows would be a password.
      guard ccrypt_knows(text) else { throw CredentialFileError(description: "a password hashed in an unknown way") }
      self = .crypt(text)
    } else {
      self = .plain(text)
    }
  }

  /// Whether this is the password. Slow for some.
  func isHash(of password: String) -> Bool {
    switch self {
    case .crypt(let hash): ccrypt_verify(password, hash)
    case .apache(let salt, let hash): Self.equal(Array(ApacheMD5.hash(password, salt: salt).utf8), Array(hash.utf8))
    case .sha1(let digest, let salt): Self.equal(Digests.sha1(Array(password.utf8) + salt), digest)
    case .plain(let plain): SecretDigest(of: plain) == SecretDigest(of: password)
    }
  }

  private static func equal(_ one: [UInt8], _ other: [UInt8]) -> Bool {
    one.count == other.count && ccrypt_equal(one, other, one.count)
  }
}

/// Digests that only old password files still have.
enum Digests {
  static func md5(_ bytes: [UInt8]) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: Int(CCRYPT_MD5_SIZE)) { digest, count in
      ccrypt_md5(bytes, bytes.count, digest.baseAddress)
      count = Int(CCRYPT_MD5_SIZE)
    }
  }

  static func sha1(_ bytes: [UInt8]) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: Int(CCRYPT_SHA1_SIZE)) { digest, count in
      ccrypt_sha1(bytes, bytes.count, digest.baseAddress)
      count = Int(CCRYPT_SHA1_SIZE)
    }
  }
}

/// What `htpasswd` hashes by when it is told nothing: the MD5 of crypt with another name, a thousand rounds.
enum ApacheMD5 {
  /// What stands behind the salt.
  static func hash(_ password: String, salt: [UInt8]) -> String {
    let password = Array(password.utf8)
    var inner = Digests.md5(password + salt + password)
    var first = password + Array("$apr1$".utf8) + salt
    for start in stride(from: 0, to: password.count, by: 16) { first += inner.prefix(min(16, password.count - start)) }
    var rest = password.count
    while rest > 0 {
      first.append(rest & 1 == 1 ? 0 : password[0])
      rest >>= 1
    }
    inner = Digests.md5(first)
    for round in 0..<1000 {
      var bytes = round & 1 == 1 ? password : inner
      if round % 3 != 0 { bytes += salt }
      if round % 7 != 0 { bytes += password }
      bytes += round & 1 == 1 ? inner : password
      inner = Digests.md5(bytes)
    }
    return text(of: inner)
  }

  /// Six bits a letter, in an order of its own.
  private static func text(of digest: [UInt8]) -> String {
    let letters = Array("./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
    var text: [UInt8] = []
    func append(_ value: UInt32, count: Int) {
      for position in 0..<count { text.append(letters[Int(value >> UInt32(6 * position) & 0x3F)]) }
    }
    for start in 0..<5 {
      let last = start == 4 ? 5 : start + 12
      append(UInt32(digest[start]) << 16 | UInt32(digest[start + 6]) << 8 | UInt32(digest[last]), count: 4)
    }
    append(UInt32(digest[11]), count: 2)
    return String(decoding: text, as: UTF8.self)
  }
}

/// Base64 as `Basic` credentials have it.
enum Base64 {
  /// Nil when it is none. The padding may be missing.
  static func decode(_ text: some Sequence<UInt8>) -> [UInt8]? {
    var bytes: [UInt8] = []
    var bits: UInt32 = 0
    var count = 0
    var isPadded = false
    for letter in text {
      guard letter != UInt8(ascii: "=") else {
        isPadded = true
        continue
      }
      guard !isPadded, let value = value(of: letter) else { return nil }
      bits = bits << 6 | value
      count += 1
      if count % 4 != 1 { bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32((4 - count % 4) % 4 * 2))) }
    }
    return count % 4 == 1 ? nil : bytes
  }

  private static func value(of letter: UInt8) -> UInt32? {
    switch letter {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(letter - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(letter - UInt8(ascii: "a")) + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(letter - UInt8(ascii: "0")) + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
