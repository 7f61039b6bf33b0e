import Foundation
import HTTPClient
import OTLP
import TestSupport
import Testing

/// An HTTPS server for `collector.test`, with a certificate made for the occasion, which answers with what it saw.
private final class TLSServer {
  let certificate: String
  let key: String
  let port: Int
  private let directory: URL
  private let process: Process
  private let input = Pipe()

  init(_ settings: String = "") throws {
    directory = FileManager.default.temporaryDirectory.appendingPathComponent("heirloom-tls-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    certificate = directory.appendingPathComponent("cert.pem").path
    key = directory.appendingPathComponent("key.pem").path
    let openssl = Process()
    openssl.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    openssl.arguments = [
      "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
      "-subj", "/CN=collector.test", "-addext", "subjectAltName=DNS:collector.test", "-keyout", key, "-out",
      certificate, "-batch",
    ]
    openssl.standardError = FileHandle.nullDevice
    try openssl.run()
    openssl.waitUntilExit()

    // Ends when its standard input does, that is with this process at the latest.
    let script = """
      import http.server, os, ssl, sys, threading
      class Handler(http.server.BaseHTTPRequestHandler):
          def do_POST(self):
              self.rfile.read(int(self.headers["Content-Length"]))
              peer = self.connection.getpeercert() or {}
              body = f"{names} {self.headers['Host']} {self.connection.version()} {bool(peer)}".encode()
              self.send_response(200)
              self.send_header("Content-Length", str(len(body)))
              self.end_headers()
              self.wfile.write(body)
          def log_message(self, *args): pass
      names = []
      context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
      context.load_cert_chain(r"\(certificate)", r"\(key)")
      context.sni_callback = lambda socket, name, context: names.append(name)
      \(settings.replacingOccurrences(of: "CERTIFICATE", with: certificate))
      server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
      server.handle_error = lambda *args: None
      server.socket = context.wrap_socket(server.socket, server_side=True)
      print(server.server_port, flush=True)
      threading.Thread(target=server.serve_forever, daemon=True).start()
      sys.stdin.read()
      os._exit(0)
      """
    process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-c", script]
    process.standardInput = input
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    port = try #require(Int(line.trimmingCharacters(in: .whitespacesAndNewlines)))
  }

  deinit {
    try? input.fileHandleForWriting.close()
    process.waitUntilExit()
    try? FileManager.default.removeItem(at: directory)
  }

  /// What the server saw, or why there was no answer.
  func post(_ configure: (inout TLSClientConfiguration) -> Void) throws -> Result<String, HTTPClientError> {
    var configuration = HTTPClientConfiguration()
    configure(&configuration.tls)
    let client = try HTTPClient(configuration)
    client.start()
    defer { client.stop() }
    let outcome = Collected<Result<HTTPResponse, HTTPClientError>>()
    let request = HTTPRequest(
      url: try HTTPURL("https://127.0.0.1:\(port)/v1/traces"), headers: [], body: Segments(SampleRequest.make()))
    client.send(request) { outcome.append($0) }
    return try #require(outcome.wait(count: 1).first).map { String(decoding: $0.body, as: UTF8.self) }
  }
}

extension Result<String, HTTPClientError> {
  fileprivate var failure: String? {
    if case .failure(let error) = self { error.description } else { nil }
  }
}

@Suite struct TLSTests {
  @Test func `a server is verified by the name and the authority that are configured`() throws {
    let server = try TLSServer()

    let answer = try server.post {
      $0.caFile = server.certificate
      $0.serverNameOverride = "collector.test"
    }

    #expect(try answer.get() == "['collector.test'] 127.0.0.1:\(server.port) TLSv1.3 False")
  }

  @Test func `another name or an unknown authority is refused, unless verification is off`() throws {
    let server = try TLSServer()

    #expect(try server.post { $0.caFile = server.certificate }.failure?.contains("SSL") == true)
    #expect(try server.post { $0.serverNameOverride = "collector.test" }.failure?.contains("SSL") == true)
    #expect(try server.post { $0.insecureSkipVerify = true }.failure == nil)
  }

  @Test func `the client shows its certificate`() throws {
    let server = try TLSServer(
      "context.verify_mode = ssl.CERT_REQUIRED; context.load_verify_locations(r'CERTIFICATE')")

    #expect(try server.post { $0.insecureSkipVerify = true }.failure != nil)
    let answer = try server.post {
      $0.insecureSkipVerify = true
      $0.certFile = server.certificate
      $0.keyFile = server.key
    }
    #expect(try answer.get().hasSuffix("True"))
  }

  @Test func `versions are kept to`() throws {
    let server = try TLSServer("context.maximum_version = ssl.TLSVersion.TLSv1_2")

    func versions(_ least: TLSClientConfiguration.Version, _ greatest: TLSClientConfiguration.Version?) throws
      -> String?
    {
      try server.post {
        $0.insecureSkipVerify = true
        $0.minVersion = least
        $0.maxVersion = greatest
      }.failure
    }
    #expect(try versions(.tls13, nil) != nil)
    #expect(try versions(.tls12, nil) == nil)
    #expect(try versions(.tls12, .tls12) == nil)
  }

  @Test func `files that cannot be read, or belong together and do not, are said at once`() {
    var configuration = HTTPClientConfiguration()
    configuration.tls.caFile = "/nowhere/ca.pem"
    let error = #expect(throws: HTTPClientError.self) { try HTTPClient(configuration) }
    #expect(error?.description.contains("ca_file") == true)

    configuration.tls.caFile = nil
    configuration.tls.certFile = "/dev/null"
    #expect(throws: HTTPClientError.self) { try HTTPClient(configuration) }
  }
}
