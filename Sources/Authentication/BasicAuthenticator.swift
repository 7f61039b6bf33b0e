package import SelfTelemetry

/// The `basicauth` extension: who knows the password of a name in an htpasswd file may send.
package final class BasicAuthenticator: Authenticator {
  /// The extension's keys.
  package struct Configuration: Sendable {
    /// An htpasswd file.
    package var file: String?
    /// More of the same, which goes before the file.
    package var inline = ""
    /// Wrong passwords that are looked at within a second: hashing one takes long, on purpose.
    package var maxFailuresPerSecond = 10
    /// Whether each name is a tenant of its own.
    package var usersAreTenants = false

    package init() {}
  }

  private static let challenge = "Basic realm=\"heirloom\", charset=\"UTF-8\""
  private static let missing = AuthenticationFailure.unauthenticated(
    message: "a user and a password are needed: Authorization: Basic …", challenge: challenge)
  private static let wrong = AuthenticationFailure.unauthenticated(
    message: "the user or the password is not known here", challenge: challenge)
  private static let busy = AuthenticationFailure.busy(
    message: "too many wrong passwords; try again later", retryAfter: 1)

  private let passwords: WatchedFile<PasswordFile>
  private let usersAreTenants: Bool

  /// - Parameters:
  ///   - configuration: the extension's keys.
  ///   - log: told when the file can't be read any more.
  /// - Throws: why the file can't be read, or what is wrong in it.
  package init(_ configuration: Configuration, log: Log) throws(CredentialFileError) {
    usersAreTenants = configuration.usersAreTenants
    let (inline, most) = (configuration.inline, configuration.maxFailuresPerSecond)
    let parse: @Sendable (String) throws(CredentialFileError) -> PasswordFile = { text throws(CredentialFileError) in
      try PasswordFile(text + "\n" + inline, maxFailuresPerSecond: most)
    }
    passwords = try WatchedFile(configuration.file, otherwise: try parse(""), log: log, parse: parse)
  }

  package func authenticate(_ header: (String) -> String?) throws(AuthenticationFailure) -> Principal {
    guard let encoded = header("authorization")?.credentials(of: "Basic"), let bytes = Base64.decode(encoded.utf8),
      let colon = bytes.firstIndex(of: UInt8(ascii: ":")), !bytes.contains(0)
    else { throw Self.missing }
    let user = String(decoding: bytes[..<colon], as: UTF8.self)
    switch passwords.content.verdict(on: String(decoding: bytes[(colon + 1)...], as: UTF8.self), of: user) {
    case .right: return Principal(tenant: usersAreTenants ? user : nil)
    case .wrong: throw Self.wrong
    case .unknown: throw Self.busy
    }
  }
}
