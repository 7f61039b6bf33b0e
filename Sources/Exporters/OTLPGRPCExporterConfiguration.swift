package import HTTPClient
import Pipeline

/// `otlp_grpc`, with the Collector's keys and defaults.
package struct OTLPGRPCExporterConfiguration: Sendable {
  /// `host:port`, or one of the other forms that `GRPCEndpoint` reads.
  package var endpoint = ""
  /// Metadata of every call.
  package var headers: [(name: String, value: String)] = []
  /// Value of `grpc-encoding`; the exporter's `compress` does the work. Nil sends requests as they are.
  package var compression: String? = "gzip"
  /// For one attempt, from its start to the answer's last byte. The server is told.
  package var timeout = Duration.seconds(5)
  /// Without TLS, unless authorities are named or the endpoint says `https`.
  package var isInsecure = false
  package var tls = TLSClientConfiguration()
  /// The host that the server is told it was called by. Over TLS the server must also have a certificate for it.
  package var authority: String?
  package var keepalive = KeepaliveConfiguration()
  package var delivery = OTLPDeliveryConfiguration()

  package init() {}

  /// Names of metadata that are gRPC's own, besides all that begin with `grpc-`.
  private static let reservedNames = [
    "content-type", "te", "host", "connection", "content-length", "transfer-encoding",
  ]

  /// Whether metadata of this name is gRPC's own affair: it is not sent.
  package static func isReserved(_ header: String) -> Bool {
    let name = header.lowercased()
    return reservedNames.contains(name) || name.hasPrefix("grpc-")
  }

  /// Looks whether there is a usable endpoint.
  ///
  /// - Throws: a message for the operator.
  package func checkEndpoint() throws { _ = try grpcEndpoint() }

  /// Looks for everything else that would keep an exporter from being made: headers, files for TLS.
  ///
  /// - Throws: a message for the operator.
  package func checkRest() throws {
    _ = try requestHeaders(isCompressed: true)
    try clientConfiguration(version: "", endpoint: nil).check()
  }

  func grpcEndpoint() throws(HTTPClientError) -> GRPCEndpoint {
    try GRPCEndpoint(endpoint, isInsecure: isInsecure && !tls.hasAuthorities)
  }

  /// Headers of every call, gRPC's own first. Throws an `HTTPClientError` that names the first that is no header.
  func requestHeaders(isCompressed: Bool) throws(HTTPClientError) -> [HTTPHeader] {
    var lines = [try HTTPHeader("content-type", "application/grpc"), try HTTPHeader("te", "trailers")]
    if isCompressed, let compression { lines.append(try HTTPHeader("grpc-encoding", compression)) }
    lines.append(try HTTPHeader("grpc-accept-encoding", "identity,gzip"))
    if timeout > .zero { lines.append(try HTTPHeader("grpc-timeout", GRPCText.timeout(timeout))) }
    for (name, value) in headers where !Self.isReserved(name) {
      let isBinary = name.lowercased().hasSuffix("-bin")
      lines.append(try HTTPHeader(name.lowercased(), isBinary ? Base64.encode(Array(value.utf8)) : value))
    }
    return lines
  }

  /// What the exporter's client needs to know; the version is for the `User-Agent` header, and nil for an endpoint is none
  /// that anybody sends to.
  func clientConfiguration(
    version: String, endpoint: GRPCEndpoint?
  ) throws(HTTPClientError) -> HTTPClientConfiguration {
    var client = HTTPClientConfiguration()
    client.version = .http2
    client.maxInFlight = max(delivery.sendingQueue.numConsumers, 1)
    client.timeout = timeout
    client.keepalive = keepalive
    client.userAgent = "heirloom/\(version)"
    client.unixSocketPath = endpoint?.unixSocketPath
    client.tls = tls
    client.authority = authority ?? tls.serverNameOverride
    if let authority {
      let name = try HTTPURL("https://\(authority)/").host
      if let override = tls.serverNameOverride, override != name {
        throw HTTPClientError("authority and tls.server_name_override name different servers")
      }
      client.tls.serverNameOverride = name
    }
    return client
  }
}
