import Foundation
import HTTPServer
import TLS
import TestSupport
import Testing

/// Certificates, keys and authorities in files, right and wrong, at the start and later.
struct ServerCertificateTests {
  @Test func `a new certificate is for new connections, and the old ones go on`() throws {
    let certificates = try TestCertificates()
    for part in ["pem", "key"] { try certificates.copy("ours-server.\(part)", to: "used.\(part)") }
    let certificate = try ServerCertificate(certificates.server("used"))
    try withServer(HTTPServerConfiguration(workers: 2, certificate: certificate)) { server, _ in
      let relay = try TLSRelay(to: server.port, certificates)
      defer { withExtendedLifetime(relay) {} }
      let early = try TestClient(port: relay.port)
      try early.send("POST", "/echo", body: [1])
      #expect(try early.receive().body == [1])
      #expect(certificate.renew() == .unchanged)

      // Between the two files' exchange they don't belong together.
      try certificates.copy("theirs-server.pem", to: "used.pem")
      guard case .failed(let fault) = certificate.renew() else {
        Issue.record("a key that is another certificate's")
        return
      }
      #expect(fault.part == .key)
      #expect(fault.description.contains("is not that of the certificate"))
      #expect(certificate.renew() == .unchanged, "it is told once")
      #expect(try probe(server.port, certificates) == "TLSv1.3 ours-server 200")

      try certificates.copy("theirs-server.key", to: "used.key")
      #expect(certificate.renew() == .renewed)
      #expect(certificate.renew() == .unchanged)
      for number in 2...9 {
        #expect(try probe(server.port, certificates) == "TLSv1.3 theirs-server 200")
        try early.send("POST", "/echo", body: [UInt8(number)])
        #expect(try early.receive().body == [UInt8(number)])
      }
    }
  }

  @Test func `authorities are exchanged too`() throws {
    let certificates = try TestCertificates()
    try certificates.copy("ours.pem", to: "used.pem")
    let certificate = try ServerCertificate(certificates.server(clientAuthority: "used"))
    try withServer(HTTPServerConfiguration(workers: 1, certificate: certificate)) { server, _ in
      #expect(try probe(server.port, certificates, client: "ours-client") == "TLSv1.3 ours-server 200")
      #expect(try !probe(server.port, certificates, client: "theirs-client").contains("200"))
      try certificates.copy("theirs.pem", to: "used.pem")
      #expect(certificate.renew() == .renewed)
      #expect(try probe(server.port, certificates, client: "theirs-client") == "TLSv1.3 ours-server 200")
      #expect(try !probe(server.port, certificates, client: "ours-client").contains("200"))
    }
  }

  @Test func `files that vanish or break are told, each time they change, and what was there stays`() throws {
    let certificates = try TestCertificates()
    for part in ["pem", "key"] { try certificates.copy("ours-server.\(part)", to: "used.\(part)") }
    let certificate = try ServerCertificate(certificates.server("used"))
    try withServer(HTTPServerConfiguration(workers: 1, certificate: certificate)) { server, _ in
      try FileManager.default.removeItem(atPath: certificates.path("used.key"))
      let fault = TLSFault(.key, "cannot read \"\(certificates.path("used.key"))\": No such file or directory")
      #expect(certificate.renew() == .failed(fault))
      #expect(certificate.renew() == .unchanged)
      try "rubbish".write(toFile: certificates.path("used.key"), atomically: true, encoding: .utf8)
      guard case .failed(let next) = certificate.renew(), next.part == .key, next != fault else {
        Issue.record("rubbish is no key")
        return
      }
      #expect(try probe(server.port, certificates) == "TLSv1.3 ours-server 200")
      try certificates.copy("ours-server.key", to: "used.key")
      #expect(certificate.renew() == .renewed)
      #expect(try probe(server.port, certificates) == "TLSv1.3 ours-server 200")
    }
  }

  @Test func `what is wrong with the files is said, with the key that names the file`() throws {
    let certificates = try TestCertificates()
    try "rubbish".write(toFile: certificates.path("rubbish.pem"), atomically: true, encoding: .utf8)
    try "".write(toFile: certificates.path("empty.pem"), atomically: true, encoding: .utf8)
    let right = certificates.server(clientAuthority: "ours")
    func fault(_ change: (inout TLSServerConfiguration) -> Void) -> TLSFault? {
      var configuration = right
      change(&configuration)
      do throws(TLSFault) {
        _ = try ServerCertificate(configuration)
        return nil
      } catch { return error }
    }

    #expect(fault { _ in } == nil)
    for file in ["rubbish.pem", "empty.pem", "ours-server.key"] {
      let path = certificates.path(file)
      #expect(fault { $0.certFile = path }?.description.hasPrefix("\"\(path)\" is no certificate in PEM: ") == true)
      #expect(fault { $0.clientCAFile = path }?.part == .clientAuthorities)
    }
    for file in ["rubbish.pem", "empty.pem", "ours-server.pem"] {
      let path = certificates.path(file)
      #expect(fault { $0.keyFile = path }?.description.hasPrefix("\"\(path)\" is no key in PEM") == true)
    }
    #expect(fault { $0.keyFile = certificates.path("ours-client.key") }?.part == .key)
    #expect(
      fault { $0.certFile = "/nowhere.pem" }?.description == "cannot read \"/nowhere.pem\": No such file or directory")
    #expect(fault { $0.keyFile = "/" }?.description == "cannot read \"/\": Is a directory")
    #expect(fault { $0.clientCAFile = "/dev/zero" }?.description.contains("larger than") == true)
  }
}
