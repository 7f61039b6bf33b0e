package import HTTPClient
package import Pipeline

/// `otlp_http`, with the Collector's keys and defaults.
package struct OTLPHTTPExporterConfiguration: Sendable {
  /// Base URL; `/v1/traces` is added to it.
  package var endpoint: String?
  /// URL for traces, taken as it is. Wins over `endpoint`.
  package var tracesEndpoint: String?
  /// Sent with every request; they win over headers of the exporter's own.
  package var headers: [(name: String, value: String)] = []
  /// Value of `Content-Encoding`; the exporter's `compress` does the work. Nil sends requests as they are.
  package var compression: String? = "gzip"
  /// For one attempt, from its start to the answer's last byte.
  package var timeout = Duration.seconds(30)
  package var tls = TLSClientConfiguration()
  package var proxyURL: String?
  package var sendingQueue = SendingQueueConfiguration()
  package var retryOnFailure = RetryConfiguration()

  package init() {}

  /// Where traces go.
  ///
  /// - Throws: `HTTPClientError` when there is no usable URL.
  func tracesURL() throws(HTTPClientError) -> HTTPURL {
    if let tracesEndpoint, !tracesEndpoint.isEmpty { return try HTTPURL(tracesEndpoint) }
    guard let endpoint, !endpoint.isEmpty else { throw HTTPClientError("neither endpoint nor traces_endpoint is set") }
    return try HTTPURL(endpoint + (endpoint.hasSuffix("/") ? "v1/traces" : "/v1/traces"))
  }
}
