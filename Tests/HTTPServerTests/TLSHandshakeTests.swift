import HTTPServer
import TLS
import TestSupport
import Testing

/// Who gets in, and who does not.
struct TLSHandshakeTests {
  private func withTLS(
    _ configuration: HTTPServerConfiguration = HTTPServerConfiguration(workers: 1), clientAuthority: String? = nil,
    minVersion: TLSServerConfiguration.Version = .v1_2, maxVersion: TLSServerConfiguration.Version? = nil,
    _ test: (HTTPServer, TestCertificates, TestHandler) throws -> Void
  ) throws {
    let certificates = try TestCertificates()
    var tls = certificates.server(clientAuthority: clientAuthority)
    (tls.minVersion, tls.maxVersion) = (minVersion, maxVersion)
    var configuration = configuration
    configuration.certificate = try ServerCertificate(tls)
    try withServer(configuration) { server, handler in try test(server, certificates, handler) }
  }

  private static let until1_2 = "context.maximum_version = ssl.TLSVersion.TLSv1_2"

  /// What clients allow themselves, and what they come to with a server: from the least version on, up to the greatest.
  private static let clients: [(settings: String, spoken: [String])] = [
    ("", ["1.3", "1.3", "1.2"]), (until1_2, ["1.2", "", "1.2"]),
    ("context.minimum_version = ssl.TLSVersion.TLSv1_3", ["1.3", "1.3", ""]),
    (
      "context.minimum_version = ssl.TLSVersion.TLSv1; context.maximum_version = ssl.TLSVersion.TLSv1_1; "
        + "context.set_ciphers('ALL:@SECLEVEL=0')", ["", "", ""]
    ),
  ]

  @Test(arguments: [(.v1_2, nil, 0), (.v1_3, nil, 1), (.v1_2, .v1_2, 2)] as [Range])
  func `versions are kept to`(range: Range) throws {
    try withTLS(minVersion: range.least, maxVersion: range.greatest) { server, certificates, handler in
      var refused = 0
      for client in Self.clients {
        let said = try probe(server.port, certificates, settings: client.settings)
        if client.spoken[range.position] == "" {
          refused += 1
          #expect(!said.contains("200"))
          #expect(waitUntil { handler.endings == Array(repeating: .handshake, count: refused) })
        } else {
          #expect(said == "TLSv\(client.spoken[range.position]) ours-server 200")
        }
      }
    }
  }

  typealias Range = (
    least: TLSServerConfiguration.Version, greatest: TLSServerConfiguration.Version?, position: Int
  )

  @Test func `with an authority for clients, only those come in who have a client's certificate from it`() throws {
    try withTLS(clientAuthority: "ours") { server, certificates, handler in
      try certificates.make("no-client", by: "ours", extensions: ["extendedKeyUsage=serverAuth"])
      try certificates.make("self-made", extensions: ["extendedKeyUsage=clientAuth"])
      let refusals: [(client: String?, reason: String)] = [
        (nil, "CERTIFICATE_REQUIRED"), ("theirs-client", "UNKNOWN_CA"), ("self-made", "UNKNOWN_CA"),
        ("no-client", "BAD_CERTIFICATE"),
      ]
      for (client, reason) in refusals {
        for settings in ["", Self.until1_2] {
          let said = try probe(server.port, certificates, client: client, settings: settings)
          #expect(said.hasSuffix(client == nil && settings != "" ? "HANDSHAKE_FAILURE" : reason), "\(client ?? "none")")
        }
      }
      #expect(waitUntil { handler.endings == Array(repeating: .handshake, count: 8) })
      #expect(handler.decidedCount == 0)
      for settings in ["", Self.until1_2] {
        #expect(
          try probe(server.port, certificates, client: "ours-client", settings: settings).hasSuffix("ours-server 200"))
      }
    }
  }

  @Test func `a client that speaks HTTP without TLS is told so and counted`() throws {
    try withTLS { server, _, handler in
      for size in [0, 5_000_000] {
        let client = try TestClient(port: server.port)
        try? client.send("POST", "/echo", body: pattern(size))
        let reply = try client.receive()
        #expect(reply.status == 400)
        #expect(reply.text == HTTPFault.unencrypted.message + "\n")
        #expect(reply.closes)
        client.waitForEnd()
      }
      #expect(waitUntil { handler.endings == [.handshake, .handshake] })
      #expect(handler.decidedCount == 0)
    }
  }

  @Test(
    arguments: [[], [22], [22, 3, 1, 2, 0, 1, 0, 1], [22, 3, 1, 0, 4, 9, 9, 9, 9], [22, 3, 1, 255, 255]] as [[UInt8]])
  func `a handshake that does not come to its end is given up and counted`(start: [UInt8]) throws {
    let timeouts = HTTPTimeouts(idle: .zero, readHeader: .milliseconds(200), read: .zero, write: .zero)
    try withTLS(HTTPServerConfiguration(workers: 1, timeouts: timeouts)) { server, certificates, handler in
      let client = try TestClient(port: server.port)
      try client.send(start)
      // It holds up nobody else.
      #expect(try probe(server.port, certificates) == "TLSv1.3 ours-server 200")
      client.waitForEnd()
      #expect(waitUntil { server.statistics.openConnections == 0 })
      // A record that can't be is refused before its time is over.
      #expect(handler.endings == [start.last == 255 ? .handshake : .readHeader])
    }
  }

  @Test func `bytes that are no handshake are refused and counted, and a client that says nothing is not`() throws {
    try withTLS { server, _, handler in
      for bytes in [[0, 3, 3, 0, 3, 5, 6, 7], [22, 3, 1, 0, 4, 9, 0, 0, 0], [21, 3, 3, 0, 2, 2, 40]] as [[UInt8]] {
        let client = try TestClient(port: server.port)
        try client.send(bytes)
        client.waitForEnd()
      }
      #expect(waitUntil { handler.endings == Array(repeating: .handshake, count: 3) })
      _ = try TestClient(port: server.port)
      let halfOpen = try TestClient(port: server.port)
      halfOpen.finishSending()
      halfOpen.waitForEnd()
      #expect(waitUntil { server.statistics.openConnections == 0 })
      #expect(handler.endings.count == 3)
    }
  }

  @Test func `the time for headers begins with the request, not with the handshake`() throws {
    let timeouts = HTTPTimeouts(idle: .zero, readHeader: .milliseconds(300), read: .zero, write: .zero)
    try withTLS(HTTPServerConfiguration(workers: 1, timeouts: timeouts)) { server, certificates, handler in
      let relay = try TLSRelay(to: server.port, certificates)
      defer { withExtendedLifetime(relay) {} }
      let early = try TestClient(port: relay.port)
      // It comes later and is cut off, so the other one has waited at least as long.
      try TestClient(port: server.port).waitForEnd()
      try early.send("POST", "/echo", body: [1])
      #expect(try early.receive().body == [1])
      try TestClient(port: server.port).waitForEnd()
      try early.send("POST", "/echo", body: [2])
      #expect(try early.receive().body == [2])
    }
  }

  @Test func `one connection too many is closed at once and counted`() throws {
    let certificates = try TestCertificates()
    let configuration = HTTPServerConfiguration(
      workers: 1, maxConnections: 1, certificate: try ServerCertificate(certificates.server()))
    try withServer(configuration) { server, handler in
      let relay = try TLSRelay(to: server.port, certificates)
      defer { withExtendedLifetime(relay) {} }
      let client = try TestClient(port: relay.port)
      try client.send("GET", "/echo")
      #expect(try client.receive().status == 200)
      #expect(try !probe(server.port, certificates).contains("200"))
      #expect(waitUntil { handler.endings == [.maxConnections] })
      try client.send("GET", "/echo")
      #expect(try client.receive().status == 200)
    }
  }
}
