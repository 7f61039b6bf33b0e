import HTTPClient

/// Where a gRPC server is: `host:port`, `http://host:port`, `https://host:port`, `dns:///host:port`, `unix:///path`.
struct GRPCEndpoint: Equatable {
  /// Scheme, host and port, without a path.
  let url: HTTPURL
  /// For a server behind a Unix socket; nil for one in the network.
  let unixSocketPath: String?

  /// Reads an endpoint.
  ///
  /// - Parameters:
  ///   - text: one of the forms above.
  ///   - isInsecure: whether there is no TLS; `https` wins over it.
  /// - Throws: `HTTPClientError` that says what is wrong.
  init(_ text: String, isInsecure: Bool) throws(HTTPClientError) {
    guard !text.isEmpty else { throw HTTPClientError("an endpoint is required") }
    let scheme = isInsecure ? "http" : "https"
    if let path = Self.unixSocket(text) {
      guard path.hasPrefix("/"), path.utf8.count < 108 else {
        throw HTTPClientError("not the path of a Unix socket, absolute and at most 107 bytes long: \"\(path)\"")
      }
      url = try HTTPURL("\(scheme)://localhost:80")
      unixSocketPath = path
      return
    }
    let (prefix, address) = Self.split(text)
    if prefix == "http://", !isInsecure {
      throw HTTPClientError("TLS is on, and the endpoint is an http URL: set tls.insecure, or leave the scheme out")
    }
    let url = try HTTPURL("\(prefix == "https://" ? "https" : scheme)://\(address)")
    // What a URL may have besides them would be left out without a word; what it may do without is required here.
    guard address.hasSuffix(":\(url.port)") || address.hasSuffix(":\(url.port)/"),
      !address.dropLast().contains(where: { "/?#@".contains($0) })
    else {
      throw HTTPClientError(
        "expected host:port (OTLP/gRPC's own port is 4317), perhaps with https:// or dns:/// before it")
    }
    self.url = url
    unixSocketPath = nil
  }

  private static func unixSocket(_ text: String) -> String? {
    for prefix in ["unix://", "unix:"] where text.hasPrefix(prefix) { return String(text.dropFirst(prefix.count)) }
    return nil
  }

  private static func split(_ text: String) -> (prefix: String, address: String) {
    for prefix in ["http://", "https://", "dns:///", "dns:"] where text.lowercased().hasPrefix(prefix) {
      return (prefix, String(text.dropFirst(prefix.count)))
    }
    return ("", text)
  }
}
