import HTTPServer

/// `cors:` of a receiver: which web pages may send to it.
package struct CORSConfiguration: Sendable, Equatable {
  /// As a browser names them, `https://app.example.com`; each with one `*` at most, for any text. Empty: none may.
  package var allowedOrigins: [String] = []
  /// Headers that pages may set beside the usual ones; `*` for any.
  package var allowedHeaders: [String] = []
  /// Headers of the replies that pages may read.
  package var exposedHeaders: [String] = []
  /// Seconds for which browsers remember what they were allowed; 0 leaves it to them, below 0 is not at all.
  package var maxAge = 0

  package init() {}
}

/// Tells browsers whether a web page may send, as the middleware of the OpenTelemetry Collector (rs/cors) does: with
/// credentials, by the methods GET, HEAD and POST.
struct CORSPolicy: Sendable {
  private struct Pattern {
    let prefix: String
    /// Behind the `*`; nil where there is none.
    let suffix: String?

    init(_ text: String) {
      let text = text.lowercased()
      guard let star = text.firstIndex(of: "*") else {
        (prefix, suffix) = (text, nil)
        return
      }
      (prefix, suffix) = (String(text[..<star]), String(text[text.index(after: star)...]))
    }

    func matches(_ origin: String) -> Bool {
      guard let suffix else { return origin == prefix }
      return origin.utf8.count >= prefix.utf8.count + suffix.utf8.count && origin.hasPrefix(prefix)
        && origin.hasSuffix(suffix)
    }
  }

  private static let methods: Set<String> = ["GET", "HEAD", "POST"]
  private static let usualHeaders: Set<String> = ["accept", "content-type", "x-requested-with"]

  private let allowsAllOrigins: Bool
  private let origins: [Pattern]
  private let allowsAllHeaders: Bool
  private let requestHeaders: Set<String>
  private let exposed: String
  private let maxAge: String?

  /// Nil when nobody is allowed anything.
  init?(_ configuration: CORSConfiguration) {
    guard !configuration.allowedOrigins.isEmpty else { return nil }
    allowsAllOrigins = configuration.allowedOrigins.contains("*")
    origins = configuration.allowedOrigins.map { Pattern($0) }
    allowsAllHeaders = configuration.allowedHeaders.contains("*")
    requestHeaders = Self.usualHeaders.union(configuration.allowedHeaders.map { $0.lowercased() })
    exposed = configuration.exposedHeaders.joined(separator: ", ")
    maxAge = configuration.maxAge == 0 ? nil : String(max(configuration.maxAge, 0))
  }

  /// Whether a browser only asks what it may send.
  func isPreflight(_ head: HTTPRequestHead) -> Bool {
    head.header("Access-Control-Request-Method") != nil && head.method == "OPTIONS"
  }

  /// To what a browser asks: the headers say the rest.
  static let preflightReply = HTTPResponse(status: 204)

  /// What a reply tells the browser; nothing to who is none.
  func headers(for head: HTTPRequestHead) -> [(name: String, value: String)] {
    if isPreflight(head) {
      let vary = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
      return [("Vary", vary)] + permission(for: head)
    }
    guard head.header("Origin") != nil else { return [] }
    var headers = [(name: "Vary", value: "Origin")]
    if let origin = allowedOrigin(of: head), Self.methods.contains(head.method) {
      headers.append(("Access-Control-Allow-Origin", origin))
      if !exposed.isEmpty { headers.append(("Access-Control-Expose-Headers", exposed)) }
      headers.append(("Access-Control-Allow-Credentials", "true"))
    }
    return headers
  }

  /// What a browser that asks is allowed; nothing when it is not all it wants.
  private func permission(for head: HTTPRequestHead) -> [(name: String, value: String)] {
    guard let origin = allowedOrigin(of: head), let method = head.header("Access-Control-Request-Method")?.string,
      Self.methods.contains(method) || method == "OPTIONS"
    else { return [] }
    var headers = [(name: "Access-Control-Allow-Origin", value: origin), ("Access-Control-Allow-Methods", method)]
    if let wanted = head.header("Access-Control-Request-Headers")?.string {
      let names = wanted.lowercased().split { $0 == "," || $0 == " " || $0 == "\t" }.map(String.init)
      guard names.allSatisfy({ isAllowed($0) }) else { return [] }
      if !names.isEmpty { headers.append(("Access-Control-Allow-Headers", names.joined(separator: ","))) }
    }
    headers.append(("Access-Control-Allow-Credentials", "true"))
    if let maxAge { headers.append(("Access-Control-Max-Age", maxAge)) }
    return headers
  }

  /// What goes into a reply must be good in one.
  private func isAllowed(_ header: String) -> Bool {
    requestHeaders.contains(header) || allowsAllHeaders && Self.isPrintable(header)
  }

  private func allowedOrigin(of head: HTTPRequestHead) -> String? {
    guard let origin = head.header("Origin")?.string, !origin.isEmpty, Self.isPrintable(origin) else { return nil }
    if allowsAllOrigins { return "*" }
    let lowercased = origin.lowercased()
    return origins.contains { $0.matches(lowercased) } ? origin : nil
  }

  private static func isPrintable(_ text: String) -> Bool { text.utf8.allSatisfy { 0x21...0x7E ~= $0 } }
}
