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

  /// PEM file of the authorities to trust instead of the system's.
  package var caFile: String?
  /// PEM files of the client's own certificate and its key.
  package var certFile: String?
  package var keyFile: String?
  package var insecureSkipVerify = false
  /// Name to ask for and to verify in place of the URL's host.
  package var serverNameOverride: String?
  package var minVersion = Version.tls12
  package var maxVersion: Version?

  package init() {}

  /// Files that are named but cannot be read, which is better said at start than at the first request.
  ///
  /// - Throws: `HTTPClientError` that names the file.
  func checkFiles() throws(HTTPClientError) {
    for (key, path) in [("ca_file", caFile), ("cert_file", certFile), ("key_file", keyFile)] {
      guard let path, access(path, R_OK) != 0 else { continue }
      throw HTTPClientError("tls: cannot read \(key) \"\(path)\": \(String(cString: strerror(errno)))")
    }
    if (certFile == nil) != (keyFile == nil) {
      throw HTTPClientError("tls: cert_file and key_file belong together, one of them is missing")
    }
  }
}

/// What holds for every request of a client.
package struct HTTPClientConfiguration: Sendable {
  /// Requests under way at once; more wait for their turn.
  package var maxInFlight = 10
  /// From a request's start to the last byte of its answer; zero for no limit.
  package var timeout = Duration.seconds(30)
  /// Bytes of an answer's body that are kept; what follows is read and thrown away.
  package var responseLimit = 64 << 10
  package var tls = TLSClientConfiguration()
  /// URL of a proxy for every request. Without one, the environment decides (see `ProxyChoice`).
  package var proxyURL: String?
  package var userAgent = "heirloom"
  /// Reads one variable of the environment.
  package var environment: @Sendable (String) -> String? = { name in getenv(name).map { String(cString: $0) } }

  package init() {}

  /// Looks for what would keep a client from being made.
  ///
  /// - Throws: `HTTPClientError` that says what is wrong.
  package func check() throws(HTTPClientError) {
    try tls.checkFiles()
    if let proxyURL, proxyURL.utf8.contains(where: { $0 <= 0x20 }) { throw HTTPClientError("proxy_url is not a URL") }
  }
}
