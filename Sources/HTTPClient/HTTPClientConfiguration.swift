import Glibc

/// What holds for every request of a client.
package struct HTTPClientConfiguration: Sendable {
  package enum Version: Sendable {
    /// HTTP/1.1: a connection for each request under way.
    case http1
    /// HTTP/2 alone, with prior knowledge where there is no TLS: one connection for many requests.
    case http2
  }

  package var version = Version.http1
  /// Requests under way at once; more wait for their turn.
  package var maxInFlight = 10
  /// From a request's start to the last byte of its answer; zero for no limit.
  package var timeout = Duration.seconds(30)
  /// Bytes of an answer's body that are kept; what follows is read and thrown away.
  package var responseLimit = 64 << 10
  package var tls = TLSClientConfiguration()
  /// What the `Host` header says, or `:authority`, in place of the URL's host and port.
  package var authority: String?
  /// Path of a Unix socket to connect to, whatever the URL's host is.
  package var unixSocketPath: String?
  package var keepalive = KeepaliveConfiguration()
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
    try tls.check()
    if let proxyURL, proxyURL.utf8.contains(where: { $0 <= 0x20 }) { throw HTTPClientError("proxy_url is not a URL") }
  }
}

/// How a dead connection is found out. The system does it, for TCP: it asks the peer's system, not the peer.
package struct KeepaliveConfiguration: Sendable, Equatable {
  /// Silence after which it asks, in whole seconds, at least one.
  package var time = Duration.seconds(60)
  /// How long an answer, or the acknowledgement of what was sent, may take before the connection is given up.
  package var timeout = Duration.seconds(20)

  package init() {}
}
