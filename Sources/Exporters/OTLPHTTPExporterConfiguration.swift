package import HTTPClient
package import OTLP
import Pipeline

/// `otlp_http`, with the Collector's keys and defaults.
package struct OTLPHTTPExporterConfiguration: Sendable {
  /// Base URL; `/v1/traces` (`/v1/logs`, `/v1/metrics`) is added to it.
  package var endpoint: String?
  /// URLs for a signal, taken as they are. They win over `endpoint`.
  package var signalEndpoints: [Signal: String] = [:]
  /// Sent with every request; they win over headers of the exporter's own.
  package var headers: [(name: String, value: String)] = []
  /// Value of `Content-Encoding`; the exporter's `compress` does the work. Nil sends requests as they are.
  package var compression: String? = "gzip"
  /// For one attempt, from its start to the answer's last byte.
  package var timeout = Duration.seconds(30)
  package var tls = TLSClientConfiguration()
  package var proxyURL: String?
  package var delivery = OTLPDeliveryConfiguration()

  package init() {}

  /// Looks whether there is a usable URL for a signal.
  ///
  /// - Throws: a message for the operator.
  package func checkURL(of signal: Signal) throws { _ = try url(of: signal) }

  /// Looks for everything else that would keep an exporter from being made: headers, files for TLS, proxies.
  ///
  /// - Throws: a message for the operator.
  package func checkRest() throws {
    _ = try requestHeaders(isCompressed: true)
    try clientConfiguration(version: "").check()
  }

  /// Headers of every request, the exporter's own included: what `compression` says is among them if bodies are
  /// compressed at all. Throws an `HTTPClientError` that names the first that is no header.
  func requestHeaders(isCompressed: Bool) throws(HTTPClientError) -> [HTTPHeader] {
    var lines: [HTTPHeader] = []
    for (name, value) in headers { lines.append(try HTTPHeader(name, value)) }
    func addDefault(_ name: String, _ value: String) throws(HTTPClientError) {
      guard !lines.contains(where: { $0.name.lowercased() == name.lowercased() }) else { return }
      lines.append(try HTTPHeader(name, value))
    }
    try addDefault("Content-Type", "application/x-protobuf")
    if isCompressed, let compression { try addDefault("Content-Encoding", compression) }
    return lines
  }

  /// What the exporter's client needs to know; the version is for the `User-Agent` header.
  func clientConfiguration(version: String) -> HTTPClientConfiguration {
    var client = HTTPClientConfiguration()
    client.maxInFlight = max(delivery.sendingQueue.numConsumers, 1)
    client.timeout = timeout
    client.tls = tls
    client.proxyURL = proxyURL
    client.userAgent = "heirloom/\(version)"
    return client
  }

  /// Where a signal goes.
  ///
  /// - Throws: `HTTPClientError` when there is no usable URL.
  func url(of signal: Signal) throws(HTTPClientError) -> HTTPURL {
    if let own = signalEndpoints[signal], !own.isEmpty { return try HTTPURL(own) }
    guard let endpoint, !endpoint.isEmpty else {
      throw HTTPClientError("neither endpoint nor \(signal.name)_endpoint is set")
    }
    // By itself first: a path would pass for the host that is missing.
    _ = try HTTPURL(endpoint)
    return try HTTPURL(endpoint + (endpoint.hasSuffix("/") ? "" : "/") + "v1/\(signal.name)")
  }
}
