/// How a server speaks TLS, under the OpenTelemetry Collector's names (`tls:` of a receiver's protocol).
package struct TLSServerConfiguration: Sendable, Equatable {
  package enum Version: String, Sendable, CaseIterable, Comparable {
    case v1_2 = "1.2"
    case v1_3 = "1.3"

    package static func < (one: Version, other: Version) -> Bool { one.rawValue < other.rawValue }
  }

  /// The server's certificate, with those behind it, and its key: PEM files.
  package var certFile: String
  package var keyFile: String
  /// PEM file of the authorities that client certificates are checked against; nil: clients need none.
  package var clientCAFile: String?
  package var minVersion = Version.v1_2
  /// nil for the newest there is.
  package var maxVersion: Version?
  /// How often the files are looked at for new ones; nil: never.
  package var reloadInterval: Duration?

  package init(certFile: String, keyFile: String) {
    self.certFile = certFile
    self.keyFile = keyFile
  }
}
