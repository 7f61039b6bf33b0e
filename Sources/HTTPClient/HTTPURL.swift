import CCurl

/// An absolute `http` or `https` URL that libcurl accepts.
package struct HTTPURL: Sendable, Equatable {
  package let text: String
  /// `http` or `https`.
  package let scheme: String
  /// Name or address; IPv6 in brackets.
  package let host: String
  package let port: Int

  /// Takes `text` apart.
  ///
  /// - Parameter text: the URL, with its scheme.
  /// - Throws: `HTTPClientError` that says what is wrong with it.
  package init(_ text: String) throws(HTTPClientError) {
    // libcurl would guess a scheme, take a path for a host, and read a text up to a NUL.
    guard text.contains("://"), !text.contains(":///"), !text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) else {
      throw HTTPClientError("not an absolute http or https URL: \"\(Self.withoutUser(text))\"")
    }
    var parts = ccurl_url_parse(text)
    defer { ccurl_url_free(&parts) }
    if let error = parts.error {
      throw HTTPClientError("not a usable URL (\(String(cString: error))): \"\(Self.withoutUser(text))\"")
    }
    guard let scheme = parts.scheme, let host = parts.host, let digits = parts.port,
      let port = Int(String(cString: digits)), (1...65535).contains(port)
    else {
      throw HTTPClientError("not a usable URL: \"\(Self.withoutUser(text))\"")
    }
    self.text = text
    self.scheme = String(cString: scheme)
    self.host = String(cString: host)
    self.port = port
  }

  /// The text for a message: user and password before the host are left out, also where a scheme is missing or the
  /// password has characters that it must not have.
  private static func withoutUser(_ text: String) -> String {
    guard let at = text.lastIndex(of: "@") else { return text }
    let start = text.firstRange(of: "://").map(\.upperBound) ?? text.startIndex
    return start <= at ? text[..<start] + "[REDACTED]" + text[at...] : text
  }

  /// Whether the host is this machine by any of its usual names.
  package var isLoopback: Bool {
    let name = host.lowercased()
    return name == "localhost" || name.hasSuffix(".localhost") || name == "[::1]"
      || (name.hasPrefix("127.") && name.utf8.allSatisfy { $0 == 0x2E || (0x30...0x39).contains($0) })
  }
}
