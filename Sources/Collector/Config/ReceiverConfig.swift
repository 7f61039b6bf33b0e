import Configuration
import HTTPServer
import Receivers

/// `receivers: otlp:`.
struct ReceiverConfig {
  var http: OTLPReceiver.Configuration
  /// Nil for plain HTTP.
  var tls: ServerTLS?
  /// Where the endpoint was written, for what is wrong with it later.
  var endpointPosition: Position

  /// Nil when there is nothing to listen on, which has been reported then.
  init?(_ section: ConfigSection) {
    let protocols = section.section("protocols")
    protocols?.knownButUnsupported(["grpc"])
    guard let protocols, let http = protocols.section("http") else {
      section.error("protocols", "nothing to listen on: set protocols.http (grpc is not supported yet)")
      return nil
    }
    var configuration = OTLPReceiver.Configuration()
    endpointPosition = http.position(of: "endpoint")
    Self.readEndpoint(http, &configuration)
    configuration.maxRequestBodySize = http.int(
      "max_request_body_size", default: configuration.maxRequestBodySize, in: 0...1 << 30)
    // As in the OpenTelemetry Collector, 0 means the default.
    if configuration.maxRequestBodySize == 0 { configuration.maxRequestBodySize = 64 << 20 }
    let path = http.string("traces_url_path", default: configuration.tracesURLPath)
    configuration.tracesURLPath = path.hasPrefix("/") ? path : "/" + path
    configuration.maxRequestHeadersSize = http.int(
      "max_request_headers_size", default: configuration.maxRequestHeadersSize, in: 4096...1 << 20)
    configuration.timeouts = Self.timeouts(http)
    configuration.maxBufferedMiB = http.int(
      "max_buffered_mib", default: configuration.maxBufferedMiB, in: 1...1 << 30)
    configuration.maxConnections = http.int("max_connections", default: configuration.maxConnections, in: 1...1_000_000)
    configuration.keepsAlive = http.bool("keep_alives_enabled", default: true)
    configuration.responseHeaders = Self.responseHeaders(http)
    if let section = http.section("tls"), !http.isNull("tls") {
      tls = ServerTLS(section)
      configuration.tls = tls?.configuration
    }
    http.knownButUnsupported([
      "auth", "cors", "include_metadata", "compression_algorithms", "middlewares", "logs_url_path", "metrics_url_path",
      "profiles_url_path",
    ])
    self.http = configuration
  }

  private enum Transport: String, CaseIterable {
    case tcp, unix
  }

  private static func readEndpoint(_ http: ConfigSection, _ configuration: inout OTLPReceiver.Configuration) {
    let transport = http.choice("transport", of: Transport.self)
    let endpoint = http.string("endpoint")
    if let path = endpoint.flatMap(Endpoint.unixPath) ?? (transport == .unix ? endpoint : nil) {
      configuration.socketPath = path
      if path.isEmpty { http.error("endpoint", "expected the path of a Unix socket") }
      if transport == .tcp { http.error("transport", "the endpoint is a Unix socket: set unix, or leave the key out") }
    } else if transport == .unix {
      http.error("transport", "a Unix socket needs its path in endpoint")
    } else if let endpoint {
      if let (host, port) = Endpoint.parse(endpoint) {
        (configuration.host, configuration.port) = (host, port)
      } else {
        http.error("endpoint", "expected host:port, found \"\(endpoint)\"")
      }
    }
  }

  private static func responseHeaders(_ http: ConfigSection) -> [HTTPHeaderField] {
    (http.stringMap("response_headers") ?? []).compactMap { name, value in
      let field = HTTPHeaderField(name, value)
      if field == nil { http.error("response_headers", "\"\(name)\" is no header that can be added to replies") }
      return field
    }
  }

  private static func timeouts(_ http: ConfigSection) -> HTTPTimeouts {
    var timeouts = HTTPTimeouts()
    for (key, path) in [
      ("idle_timeout", \HTTPTimeouts.idle), ("read_header_timeout", \.readHeader), ("read_timeout", \.read),
      ("write_timeout", \.write),
    ] {
      if let duration = http.duration(key, in: .zero ... .seconds(1 << 20)) { timeouts[keyPath: path] = duration }
    }
    return timeouts
  }
}

/// Addresses of the form `host:port`, and Unix sockets.
enum Endpoint {
  /// The path in `unix:///path` or `unix:path`; nil for what has not that form.
  static func unixPath(_ text: String) -> String? {
    for prefix in ["unix://", "unix:"] where text.hasPrefix(prefix) { return String(text.dropFirst(prefix.count)) }
    return nil
  }

  /// Nil when the text has not that form. `[::1]:4318` loses its brackets; an empty host means every address.
  static func parse(_ text: String) -> (host: String, port: UInt16)? {
    guard let colon = text.lastIndex(of: ":"), !text[colon...].hasPrefix(":+"),
      let port = UInt16(text[text.index(after: colon)...])
    else { return nil }
    var host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = host.dropFirst().dropLast()
    } else if host.contains(":") || host.contains("/") {
      return nil
    }
    return (String(host), port)
  }
}
