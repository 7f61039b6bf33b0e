import Foundation
import HTTPServer
import TLS
import Testing

struct TLSTests {
  @Test func `play`() throws {
    let certificates = try TestCertificates()
    for authority in [nil, "ours"] {
      let configuration = HTTPServerConfiguration(
        workers: 2, certificate: try ServerCertificate(certificates.server(clientAuthority: authority)))
      try withServer(configuration) { server, handler in
        try "\(server.port) \(certificates.directory.path)".write(
          toFile: "/tmp/tlsx/where\(authority ?? "")", atomically: true, encoding: .utf8)
        while !FileManager.default.fileExists(atPath: "/tmp/tlsx/stop\(authority ?? "")") { usleep(100_000) }
        print(handler.endings, handler.handledCount, server.statistics)
      }
    }
  }
}
