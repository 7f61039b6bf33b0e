import Configuration
import GRPCServer
import HTTPServer
import Receivers

/// `receivers: otlp:`.
struct ReceiverConfig {
  /// What listens for one protocol.
  enum Server: Equatable {
    case grpc(OTLPGRPCReceiver.Configuration)
    case http(OTLPReceiver.Configuration)

    /// As configured: perhaps 0.
    var port: UInt16 {
      switch self {
      case .grpc(let grpc): grpc.port
      case .http(let http): http.port
      }
    }
  }

  private(set) var grpc: OTLPGRPCReceiver.Configuration?
  private(set) var http: OTLPReceiver.Configuration?
  /// At least one, each where its endpoint was written, for what is wrong with it later.
  private(set) var servers: [Located<Server>] = []

  /// Nil when there is nothing to listen on, which has been reported then.
  init?(_ section: ConfigSection) {
    let protocols = section.section("protocols")
    if let section = protocols?.section("grpc") {
      let configuration = OTLPGRPCReceiver.Configuration(section: section)
      grpc = configuration
      servers.append(Located(value: .grpc(configuration), position: section.position(of: "endpoint")))
    }
    if let section = protocols?.section("http") {
      let configuration = Self.read(section)
      http = configuration
      servers.append(Located(value: .http(configuration), position: section.position(of: "endpoint")))
    }
    if servers.isEmpty {
      section.error("protocols", "nothing to listen on: set protocols.grpc, protocols.http, or both")
      return nil
    }
  }

  /// Reads `protocols: http:`.
  private static func read(_ http: ConfigSection) -> OTLPReceiver.Configuration {
    var configuration = OTLPReceiver.Configuration()
    if let (host, port) = Endpoint.read(http) { (configuration.host, configuration.port) = (host, port) }
    configuration.maxRequestBodySize = http.int(
      "max_request_body_size", default: configuration.maxRequestBodySize, in: 0...1 << 30)
    // As in the OpenTelemetry Collector, 0 means the default.
    if configuration.maxRequestBodySize == 0 { configuration.maxRequestBodySize = 64 << 20 }
    configuration.tracesURLPath = Self.path("traces_url_path", http, default: configuration.tracesURLPath)
    configuration.logsURLPath = Self.path("logs_url_path", http, default: configuration.logsURLPath)
    configuration.metricsURLPath = Self.path("metrics_url_path", http, default: configuration.metricsURLPath)
    configuration.maxRequestHeadersSize = http.int(
      "max_request_headers_size", default: configuration.maxRequestHeadersSize, in: 4096...1 << 20)
    configuration.timeouts = timeouts(http)
    configuration.maxBufferedMiB = http.int(
      "max_buffered_mib", default: configuration.maxBufferedMiB, in: 1...1 << 30)
    configuration.maxConnections = http.int("max_connections", default: configuration.maxConnections, in: 1...1_000_000)
    http.knownButUnsupported([
      "tls", "auth", "cors", "include_metadata", "response_headers", "compression_algorithms", "middlewares",
      "keep_alives_enabled", "transport", "profiles_url_path",
    ])
    return configuration
  }

  private static func path(_ key: String, _ http: ConfigSection, default path: String) -> String {
    let path = http.string(key, default: path)
    return path.hasPrefix("/") ? path : "/" + path
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
  /// A section's `endpoint`; nil without one, or when it is not right, which has been reported then.
  static func read(_ section: ConfigSection) -> (host: String, port: UInt16)? {
    guard let endpoint = section.string("endpoint") else { return nil }
    if let parsed = parse(endpoint) { return parsed }
    section.error("endpoint", "expected host:port, found \"\(endpoint)\"")
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
