import Configuration
import HTTPServer
import Receivers

/// `receivers: otlp:`.
struct ReceiverConfig {
  var http: OTLPReceiver.Configuration
  /// Where the endpoint was written, for what is wrong with it later.
  var endpointPosition: Position
  /// Where it was written who knows the senders, likewise.
  var authPosition: Position

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
    if let endpoint = http.string("endpoint") {
      if let (host, port) = Endpoint.parse(endpoint) {
        (configuration.host, configuration.port) = (host, port)
      } else {
        http.error("endpoint", "expected host:port, found \"\(endpoint)\"")
      }
    }
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
    configuration.readEdge(http)
    authPosition = http.section("auth")?.position ?? http.position
    http.knownButUnsupported([
      "tls", "response_headers", "middlewares", "keep_alives_enabled", "transport", "logs_url_path", "metrics_url_path",
      "profiles_url_path",
    ])
    self.http = configuration
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

/// Addresses of the form `host:port`.
enum Endpoint {
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
