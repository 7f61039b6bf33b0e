import Configuration
import GRPCServer
import HTTPServer
import Receivers

/// `receivers: otlp:`.
struct ReceiverConfig {
  /// What listens for one protocol.
  enum Server: Equatable {
    case grpc(OTLPGRPCReceiver.Configuration, Admission)
    case http(OTLPReceiver.Configuration)

    /// As configured: perhaps 0.
    var port: UInt16 {
      switch self {
      case .grpc(let grpc, _): grpc.port
      case .http(let http): http.port
      }
    }

    var speaksTLS: Bool {
      switch self {
      case .grpc(let grpc, _): grpc.tls != nil
      case .http(let http): http.tls != nil
      }
    }

    /// Its key under `protocols`.
    var transport: String {
      switch self {
      case .grpc: "grpc"
      case .http: "http"
      }
    }

    /// Whom it lets in.
    var admission: Admission {
      switch self {
      case .grpc(_, let admission): admission
      case .http(let http): http.admission
      }
    }

    /// Of one that listens on a Unix socket.
    var socketPath: String? {
      switch self {
      case .grpc: nil
      case .http(let http): http.socketPath
      }
    }
  }

  private(set) var grpc: OTLPGRPCReceiver.Configuration?
  private(set) var http: OTLPReceiver.Configuration?
  /// Of the HTTP server; nil where it speaks without. gRPC looks after its files itself.
  private(set) var tls: ServerTLS?
  /// At least one, each where its endpoint was written, for what is wrong with it later.
  private(set) var servers: [Located<Server>] = []
  /// Where it was written who knows the senders, by the server's key.
  private(set) var authPositions: [String: Position] = [:]

  /// Nil when there is nothing to listen on, which has been reported then.
  init?(_ section: ConfigSection) {
    let protocols = section.section("protocols")
    if let section = protocols?.section("grpc") {
      let configuration = OTLPGRPCReceiver.Configuration(section: section)
      grpc = configuration
      let admission = Admission(section)
      servers.append(Located(value: .grpc(configuration, admission), position: section.position(of: "endpoint")))
      authPositions["grpc"] = section.section("auth")?.position ?? section.position
    }
    if let section = protocols?.section("http") {
      if let keys = section.section("tls"), !section.isNull("tls") { tls = ServerTLS(keys) }
      let configuration = Self.read(section, tls)
      http = configuration
      servers.append(Located(value: .http(configuration), position: section.position(of: "endpoint")))
      authPositions["http"] = section.section("auth")?.position ?? section.position
    }
    if servers.isEmpty {
      section.error("protocols", "nothing to listen on: set protocols.grpc, protocols.http, or both")
      return nil
    }
  }

  /// Reads `protocols: http:`.
  private static func read(_ http: ConfigSection, _ tls: ServerTLS?) -> OTLPReceiver.Configuration {
    var configuration = OTLPReceiver.Configuration()
    configuration.tls = tls?.configuration
    Self.readEndpoint(http, &configuration)
    configuration.maxRequestBodySize = http.int(
      "max_request_body_size", default: configuration.maxRequestBodySize, in: 0...1 << 30)
    // As in the OpenTelemetry Collector, 0 means the default.
    if configuration.maxRequestBodySize == 0 { configuration.maxRequestBodySize = 64 << 20 }
    configuration.tracesURLPath = Self.path("traces_url_path", http, default: configuration.tracesURLPath)
    configuration.logsURLPath = Self.path("logs_url_path", http, default: configuration.logsURLPath)
    configuration.metricsURLPath = Self.path("metrics_url_path", http, default: configuration.metricsURLPath)
    let scoresPath = http.string("scores_url_path", default: configuration.scoresURLPath ?? "")
    configuration.scoresURLPath = scoresPath.isEmpty ? nil : scoresPath.hasPrefix("/") ? scoresPath : "/" + scoresPath
    configuration.maxScoresBodySize = http.int(
      "max_scores_body_size", default: configuration.maxScoresBodySize, in: 1...1 << 30)
    configuration.maxRequestHeadersSize = http.int(
      "max_request_headers_size", default: configuration.maxRequestHeadersSize, in: 4096...1 << 20)
    configuration.timeouts = timeouts(http)
    configuration.maxBufferedMiB = http.int(
      "max_buffered_mib", default: configuration.maxBufferedMiB, in: 1...1 << 30)
    configuration.maxConnections = http.int("max_connections", default: configuration.maxConnections, in: 1...1_000_000)
    configuration.keepsAlive = http.bool("keep_alives_enabled", default: true)
    configuration.responseHeaders = Self.responseHeaders(http)
    configuration.readEdge(http)
    http.knownButUnsupported([
      "middlewares", "profiles_url_path",
    ])
    return configuration
  }

  private static func path(_ key: String, _ http: ConfigSection, default path: String) -> String {
    let path = http.string(key, default: path)
    return path.hasPrefix("/") ? path : "/" + path
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
    } else if let (host, port) = Endpoint.read(http) {
      (configuration.host, configuration.port) = (host, port)
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
  /// A section's `endpoint`; nil without one, or when it is not right, which has been reported then.
  static func read(_ section: ConfigSection) -> (host: String, port: UInt16)? {
    guard let endpoint = section.string("endpoint") else { return nil }
    if let parsed = parse(endpoint) { return parsed }
    section.error("endpoint", "expected host:port, found \"\(endpoint)\"")
    return nil
  }

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
