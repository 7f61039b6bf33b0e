import Configuration
import HTTPClient

extension TLSClientConfiguration {
  /// Reads `tls:` of an exporter, but for `insecure`, which means something else to each.
  init(_ section: ConfigSection) {
    self.init()
    caFile = section.string("ca_file")
    caPEM = section.string("ca_pem")
    includesSystemCAs = section.bool("include_system_ca_certs_pool", default: false)
    certFile = section.string("cert_file")
    certPEM = section.string("cert_pem")
    keyFile = section.string("key_file")
    keyPEM = section.string("key_pem")
    insecureSkipVerify = section.bool("insecure_skip_verify", default: false)
    serverNameOverride = section.string("server_name_override")
    minVersion = section.choice("min_version", of: Version.self, default: minVersion)
    maxVersion = section.choice("max_version", of: Version.self)
    cipherSuites = section.strings("cipher_suites", default: [])
    // Every connection reads the files anew.
    _ = section.duration("reload_interval")
    section.knownButUnsupported(["curve_preferences", "tpm"])
  }
}
