import CNettle

/// HMAC with SHA-256 (RFC 2104).
package enum KeyedHash {
  /// The 32 bytes of a message's digest under a key.
  package static func digest(of message: UnsafeRawBufferPointer, key: [UInt8]) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: Int(CNETTLE_SHA256_SIZE)) { digest, count in
      cnettle_hmac_sha256(key, key.count, message.baseAddress, message.count, digest.baseAddress)
      count = Int(CNETTLE_SHA256_SIZE)
    }
  }
}
