import Glibc

/// How a client speaks TLS, with the Collector's keys and defaults.
package struct TLSClientConfiguration: Sendable, Equatable {
  package enum Version: String, Sendable, CaseIterable {
    case tls10 = "1.0"
    case tls11 = "1.1"
    case tls12 = "1.2"
    case tls13 = "1.3"

    /// The minor number of 1.x.
    var minor: Int32 { Int32(Self.allCases.firstIndex(of: self) ?? 0) }
  }

  /// The authorities to trust instead of the system's: a PEM file, or such a file's content.
  package var caFile: String?
  package var caPEM: String?
  /// Whether the system's are trusted beside them.
  package var includesSystemCAs = false
  /// The client's own certificate and its key, likewise. Every new connection reads the files.
  package var certFile: String?
  package var certPEM: String?
  package var keyFile: String?
  package var keyPEM: String?
  package var insecureSkipVerify = false
  /// Name to ask for and to verify in place of the URL's host.
  package var serverNameOverride: String?
  package var minVersion = Version.tls12
  package var maxVersion: Version?
  /// Cipher suites up to TLS 1.2 that may be used, by IANA's names; empty for the library's choice.
  package var cipherSuites: [String] = []

  package init() {}

  /// Whether authorities are named.
  package var hasAuthorities: Bool { caFile != nil || caPEM != nil }

  /// Looks for what cannot be, which is better said at start than at the first request.
  ///
  /// - Throws: `HTTPClientError` that names the key.
  func check() throws(HTTPClientError) {
    for (key, path, pem) in [("ca", caFile, caPEM), ("cert", certFile, certPEM), ("key", keyFile, keyPEM)] {
      if path != nil, pem != nil { throw HTTPClientError("tls: \(key)_file and \(key)_pem are one too many") }
      guard let path, access(path, R_OK) != 0 else { continue }
      throw HTTPClientError("tls: cannot read \(key)_file \"\(path)\": \(String(cString: strerror(errno)))")
    }
    if (certFile ?? certPEM == nil) != (keyFile ?? keyPEM == nil) {
      throw HTTPClientError(
        "tls: a certificate (cert_file) and its key (key_file) belong together, one of them is missing")
    }
    if let maxVersion, maxVersion.minor < minVersion.minor {
      throw HTTPClientError("tls: max_version is below min_version")
    }
    _ = try openSSLCiphers()
  }

  /// The suites as OpenSSL names them; nil for its own choice.
  ///
  /// - Throws: `HTTPClientError` that names an unknown one.
  func openSSLCiphers() throws(HTTPClientError) -> String? {
    var names: [String] = []
    for suite in cipherSuites {
      guard let name = Self.openSSLNames[suite] else { throw HTTPClientError("tls: unknown cipher suite \"\(suite)\"") }
      names.append(name)
    }
    return names.isEmpty ? nil : names.joined(separator: ":")
  }

  /// The suites of TLS 1.2 and before that the Collector knows.
  private static let openSSLNames = [
    "TLS_RSA_WITH_AES_128_CBC_SHA": "AES128-SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA": "AES256-SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA256": "AES128-SHA256",
    "TLS_RSA_WITH_AES_128_GCM_SHA256": "AES128-GCM-SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384": "AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256": "ECDHE-ECDSA-AES128-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256": "ECDHE-RSA-AES128-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
  ]
}
