import CHTTPServer
import Locks
package import TLS

/// A server's certificate, key and authorities, as they once stood in their files.
final class TLSCredentials: @unchecked Sendable {
  // Sendable: immutable.
  let handle: OpaquePointer

  /// - Throws: what no TLS can be spoken with.
  init(_ files: TLSFiles, _ configuration: TLSServerConfiguration) throws(TLSFault) {
    var fault = CHTTP_FAULTY_CERTIFICATE
    var reason: UnsafePointer<CChar>?
    let made = Self.lend(files.certificate) { certificate in
      Self.lend(files.key) { key in
        Self.lend(files.clientAuthorities) { authorities in
          chttp_credentials_new(certificate, key, authorities, &fault, &reason)
        }
      }
    }
    guard let made else { throw Self.describe(fault, reason.map { String(cString: $0) } ?? "", configuration) }
    handle = made
  }

  deinit {
    chttp_credentials_free(handle)
  }

  private static func lend<Result>(_ bytes: [UInt8]?, _ body: (chttp_pem) -> Result) -> Result {
    guard let bytes else { return body(chttp_pem(bytes: nil, count: 0)) }
    // An empty file is one without a certificate, not none.
    return (bytes + [0]).withUnsafeBytes { body(chttp_pem(bytes: $0.baseAddress, count: bytes.count)) }
  }

  private static func describe(
    _ fault: chttp_credentials_fault, _ reason: String, _ configuration: TLSServerConfiguration
  ) -> TLSFault {
    switch fault {
    case CHTTP_FAULTY_CERTIFICATE:
      TLSFault(.certificate, "\"\(configuration.certFile)\" is no certificate in PEM: \(reason)")
    case CHTTP_MISMATCH:
      TLSFault(
        .key, "the key in \"\(configuration.keyFile)\" is not that of the certificate in \"\(configuration.certFile)\"")
    case CHTTP_FAULTY_AUTHORITIES:
      TLSFault(.clientAuthorities, "\"\(configuration.clientCAFile ?? "")\" has no certificates in PEM: \(reason)")
    default: TLSFault(.key, "\"\(configuration.keyFile)\" is no key in PEM, or an encrypted one: \(reason)")
    }
  }
}

/// The certificate of a server, which may be exchanged while the server runs: connections that begin after that get the
/// new one, and the others go on.
package final class ServerCertificate: Sendable {
  package let configuration: TLSServerConfiguration
  private let state: Locked<State>

  private struct State {
    var credentials: TLSCredentials
    /// What was last found in the files, right or wrong.
    var files: TLSFiles?
    var fault: TLSFault?
  }

  /// Reads the files.
  ///
  /// - Throws: what is wrong with them.
  package init(_ configuration: TLSServerConfiguration) throws(TLSFault) {
    self.configuration = configuration
    let files = try TLSFiles(configuration)
    state = Locked(State(credentials: try TLSCredentials(files, configuration), files: files))
  }

  /// What reading the files again has come to.
  package enum Renewal: Equatable, Sendable {
    case unchanged
    case renewed
    /// They are wrong, and were not so, or not like this, before: what was there stays.
    case failed(TLSFault)
  }

  /// Reads the files again.
  package func renew() -> Renewal {
    var found: TLSFiles?
    do throws(TLSFault) {
      let files = try TLSFiles(configuration)
      found = files
      if state.withLock({ $0.files == files }) { return .unchanged }
      let credentials = try TLSCredentials(files, configuration)
      state.withLock { $0 = State(credentials: credentials, files: files) }
      return .renewed
    } catch {
      return state.withLock { state in
        defer { (state.files, state.fault) = (found, error) }
        return state.fault == error && state.files == found ? .unchanged : .failed(error)
      }
    }
  }

  /// What a connection that begins now is shown.
  var credentials: TLSCredentials { state.withLock { $0.credentials } }

  /// The versions that are spoken, in GnuTLS's words.
  var priorities: String {
    let versions = TLSServerConfiguration.Version.allCases.filter { version in
      version >= configuration.minVersion && configuration.maxVersion.map { version <= $0 } ?? true
    }
    return "NORMAL:%SERVER_PRECEDENCE:-VERS-ALL" + versions.reversed().map { ":+VERS-TLS\($0.rawValue)" }.joined()
  }
}
