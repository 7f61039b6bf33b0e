@testable import Exporters
import HTTPClient
import Testing

@Suite struct GRPCEndpointTests {
  @Test(arguments: [
    ("host:4317", "https://host:4317", "http://host:4317"),
    ("[::1]:4317", "https://[::1]:4317", "http://[::1]:4317"),
    ("https://host:443/", "https://host:443/", "https://host:443/"),
    ("dns:///host:4317", "https://host:4317", "http://host:4317"),
    ("dns:host:4317", "https://host:4317", "http://host:4317"),
  ])
  func `TLS is on, unless it is said to be off, and https wins`(text: String, secure: String, insecure: String) throws {
    #expect(try GRPCEndpoint(text, isInsecure: false).url.text == secure)
    #expect(try GRPCEndpoint(text, isInsecure: true).url.text == insecure)
  }

  @Test func `an http URL says what insecure has to say too`() throws {
    #expect(try GRPCEndpoint("http://host:4317", isInsecure: true).url.text == "http://host:4317")
    let error = #expect(throws: HTTPClientError.self) { try GRPCEndpoint("http://host:4317", isInsecure: false) }
    #expect(error?.description.contains("insecure") == true)
  }

  @Test(arguments: ["unix:///run/otlp.sock", "unix:/run/otlp.sock"]) func `a socket has a path`(text: String) throws {
    let endpoint = try GRPCEndpoint(text, isInsecure: true)
    #expect(endpoint.unixSocketPath == "/run/otlp.sock")
    #expect(endpoint.url.host == "localhost")
  }

  @Test(arguments: [
    "", "host", "https://host", "host:", "host:0", "host:99999", ":4317", "host:4317/path", "host:4317?a=1",
    "user@host:4317", "dns://8.8.8.8/host:4317", "ftp://host:4317", "unix://relative", "unix:",
    "unix:/" + String(repeating: "a", count: 107), "ho st:4317",
  ])
  func `what is no endpoint is said`(text: String) {
    #expect(throws: HTTPClientError.self) { try GRPCEndpoint(text, isInsecure: true) }
  }

  @Test func `an authority is the name that the certificate must have`() throws {
    var configuration = OTLPGRPCExporterConfiguration()
    #expect(try configuration.clientConfiguration(version: "1", endpoint: nil).authority == nil)
    configuration.tls.serverNameOverride = "other"
    #expect(try configuration.clientConfiguration(version: "1", endpoint: nil).authority == "other")
    configuration.authority = "third:99"
    #expect(throws: HTTPClientError.self) { try configuration.clientConfiguration(version: "1", endpoint: nil) }
    configuration.tls.serverNameOverride = nil
    let client = try configuration.clientConfiguration(version: "1", endpoint: nil)
    #expect(client.authority == "third:99")
    #expect(client.tls.serverNameOverride == "third")
  }

  @Test func `what is gRPC's own is not left to the operator`() throws {
    var configuration = OTLPGRPCExporterConfiguration()
    configuration.headers = [("Content-Type", "x"), ("grpc-timeout", "1H"), ("X-Key", "k"), ("trace-bin", "abcd")]
    let headers = try configuration.requestHeaders(isCompressed: true).map { "\($0.name): \($0.value)" }
    #expect(
      headers == [
        "content-type: application/grpc", "te: trailers", "grpc-encoding: gzip", "grpc-accept-encoding: identity,gzip",
        "grpc-timeout: 5000m", "x-key: k", "trace-bin: YWJjZA==",
      ])
    configuration.timeout = .zero
    #expect(try !configuration.requestHeaders(isCompressed: false).contains { $0.name == "grpc-timeout" })
  }
}
