import Configuration
import TLS

/// `tls:` of a server, and where it was written, for what is wrong with the files later.
struct ServerTLS {
  let configuration: TLSServerConfiguration
  private let path: String
  private let positions: [TLSFault.Part: Position]

  /// Nil when it lacks what it needs, which has been reported then.
  init?(_ section: ConfigSection) {
    guard let configuration = TLSServerConfiguration(section) else { return nil }
    self.configuration = configuration
    path = section.path
    positions = Dictionary(
      uniqueKeysWithValues: TLSFault.Part.allCases.map { ($0, section.position(of: $0.rawValue)) })
  }

  func diagnostic(of fault: TLSFault) -> Diagnostic {
    Diagnostic(
      .error, at: positions[fault.part] ?? Position(source: "configuration"), "\(path).\(fault.part.rawValue): \(fault)"
    )
  }
}

extension TLSServerConfiguration {
  /// Reads `tls:` of a server; nil when it lacks what it needs, which has been reported then.
  init?(_ section: ConfigSection) {
    let certFile = section.string("cert_file")
    let keyFile = section.string("key_file")
    section.knownButUnsupported([
      "ca_file", "ca_pem", "cert_pem", "key_pem", "cipher_suites", "curve_preferences", "include_system_ca_certs_pool",
      "tpm",
    ])
    let clientCAFile = section.string("client_ca_file")
    let minVersion = section.choice("min_version", of: Version.self, default: .v1_2)
    let maxVersion = section.choice("max_version", of: Version.self)
    // Rotated authorities are looked for whenever certificates are.
    _ = section.bool("client_ca_file_reload")
    let reloadInterval = section.duration("reload_interval")
    guard let certFile, let keyFile else {
      section.error(certFile == nil ? "cert_file" : "key_file", "cert_file and key_file are required to speak TLS")
      return nil
    }
    self.init(certFile: certFile, keyFile: keyFile)
    self.clientCAFile = clientCAFile
    self.minVersion = minVersion
    self.maxVersion = maxVersion
    self.reloadInterval = reloadInterval.flatMap { $0 == .zero ? nil : $0 }
    if let maxVersion, maxVersion < minVersion {
      section.error("max_version", "must not be below min_version (\(minVersion.rawValue))")
    }
  }
}
