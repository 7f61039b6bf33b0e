import Foundation
import TLS

/// Certificates made for the occasion, in files that go with this object.
final class TestCertificates {
  let directory: URL

  /// What every object begins with: an authority, and certificates of `localhost` and of a client that it has given; another
  /// one with the same. Made once: a test waits for six processes.
  private static let made = Result {
    let certificates = try TestCertificates(files: [:])
    for authority in ["ours", "theirs"] {
      try certificates.make(authority, extensions: ["basicConstraints=critical,CA:TRUE", "keyUsage=keyCertSign"])
      try certificates.make(
        "\(authority)-server", by: authority, extensions: ["subjectAltName=DNS:localhost,IP:127.0.0.1"])
      try certificates.make("\(authority)-client", by: authority, extensions: ["extendedKeyUsage=clientAuth"])
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: certificates.directory.path)
    return try Dictionary(
      uniqueKeysWithValues: names.map { ($0, try Data(contentsOf: URL(fileURLWithPath: certificates.path($0)))) })
  }

  convenience init() throws {
    try self.init(files: Self.made.get())
  }

  private init(files: [String: Data]) throws {
    directory = FileManager.default.temporaryDirectory.appendingPathComponent("heirloom-tls-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    for (name, content) in files { try content.write(to: URL(fileURLWithPath: path(name))) }
  }

  deinit {
    try? FileManager.default.removeItem(at: directory)
  }

  /// Makes a certificate `name.pem` and its key `name.key`.
  func make(_ name: String, by authority: String? = nil, extensions: [String] = []) throws {
    let issuer = authority.map { ["-CA", path("\($0).pem"), "-CAkey", path("\($0).key")] } ?? []
    let own = authority == nil ? [] : ["basicConstraints=CA:FALSE"]
    let openssl = Process()
    openssl.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    openssl.arguments =
      [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-batch",
        "-days", "2", "-subj", "/CN=\(name)", "-keyout", path("\(name).key"), "-out", path("\(name).pem"),
      ] + issuer + (own + extensions).flatMap { ["-addext", $0] }
    openssl.standardError = FileHandle.nullDevice
    try openssl.run()
    openssl.waitUntilExit()
    struct Failed: Error {}
    if openssl.terminationStatus != 0 { throw Failed() }
  }

  func path(_ file: String) -> String { directory.appendingPathComponent(file).path }

  /// Puts one file's content in another's place.
  func copy(_ file: String, to other: String) throws {
    try Data(contentsOf: URL(fileURLWithPath: path(file))).write(to: URL(fileURLWithPath: path(other)))
  }

  /// A server with that certificate.
  func server(_ name: String = "ours-server", clientAuthority: String? = nil) -> TLSServerConfiguration {
    var configuration = TLSServerConfiguration(certFile: path("\(name).pem"), keyFile: path("\(name).key"))
    configuration.clientCAFile = clientAuthority.map { path("\($0).pem") }
    return configuration
  }
}
