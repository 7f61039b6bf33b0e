import Configuration

/// `extensions: health_check:`.
struct HealthCheckConfig: Equatable {
  var host = "127.0.0.1"
  var port: UInt16 = 13133
  var path = "/"
  /// What is answered in place of the usual JSON.
  var healthyBody: String?
  var unhealthyBody: String?
  /// Where the endpoint was written, for what is wrong with it later.
  var endpointPosition: Position

  init(_ section: ConfigSection) {
    endpointPosition = section.position(of: "endpoint")
    if let endpoint = section.string("endpoint") {
      if let (host, port) = Endpoint.parse(endpoint) {
        (self.host, self.port) = (host, port)
      } else {
        section.error("endpoint", "expected host:port, found \"\(endpoint)\"")
      }
    }
    path = section.string("path", default: path)
    if !path.hasPrefix("/") { section.error("path", "must begin with /") }
    if let body = section.section("response_body") {
      healthyBody = body.string("healthy", default: "")
      unhealthyBody = body.string("unhealthy", default: "")
    }
    section.knownButUnsupported([
      "tls", "cors", "auth", "compression_algorithms", "include_metadata", "max_request_body_size", "response_headers",
      "check_collector_pipeline", "keep_alives_enabled", "read_timeout", "read_header_timeout", "write_timeout",
      "idle_timeout", "middlewares", "transport",
    ])
  }

  /// The same address and the same answers.
  static func == (one: HealthCheckConfig, other: HealthCheckConfig) -> Bool {
    one.host == other.host && one.port == other.port && one.path == other.path && one.healthyBody == other.healthyBody
      && one.unhealthyBody == other.unhealthyBody
  }
}
