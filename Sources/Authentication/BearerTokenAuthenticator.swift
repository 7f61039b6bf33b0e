package import SelfTelemetry

/// The `bearertokenauth` extension: who sends one of some tokens may send.
package final class BearerTokenAuthenticator: Authenticator {
  /// The extension's keys.
  package struct Configuration: Sendable {
    /// What stands before the token; empty for nothing.
    package var scheme = "Bearer"
    package var tokens: [String] = []
    /// A file with a token a line, in place of `tokens`.
    package var filename: String?
    package var header = "Authorization"

    package init() {}
  }

  private let scheme: String
  private let header: String
  private let tokens: WatchedFile<Set<SecretDigest>>
  private let refusals: (missing: AuthenticationFailure, wrong: AuthenticationFailure)

  /// - Parameters:
  ///   - configuration: the extension's keys.
  ///   - log: told when the file can't be read any more.
  /// - Throws: why the file can't be read.
  package init(_ configuration: Configuration, log: Log) throws(CredentialFileError) {
    scheme = configuration.scheme
    header = configuration.header.lowercased()
    let known = Set(configuration.tokens.map { SecretDigest(of: $0) })
    tokens = try WatchedFile(configuration.filename, otherwise: known, log: log) { text in
      Set(
        text.split(whereSeparator: \.isNewline).map { $0.trimmingBlanks }.filter { !$0.isEmpty }.map {
          SecretDigest(of: $0)
        })
    }
    let challenge = "\(scheme.isEmpty ? "Bearer" : scheme) realm=\"heirloom\""
    refusals = (
      .unauthenticated(message: "a token is needed, in the header \(configuration.header)", challenge: challenge),
      .unauthenticated(message: "the token is not known here", challenge: challenge)
    )
  }

  package func authenticate(_ header: (String) -> String?) throws(AuthenticationFailure) -> Principal {
    guard let value = header(self.header) else { throw refusals.missing }
    guard let token = scheme.isEmpty ? value : value.credentials(of: scheme) else { throw refusals.missing }
    guard tokens.content.contains(SecretDigest(of: token)) else { throw refusals.wrong }
    return Principal(tenant: nil)
  }
}

extension String {
  /// What follows a scheme, which may be in any letter case; nil when it is another one.
  func credentials(of scheme: String) -> String? {
    let head = utf8.prefix(scheme.utf8.count + 1)
    guard head.last == UInt8(ascii: " "), String(Substring(head.dropLast())).lowercased() == scheme.lowercased() else {
      return nil
    }
    return String(Substring(utf8.dropFirst(head.count).drop { $0 == UInt8(ascii: " ") }))
  }
}

extension Substring {
  /// Without the spaces and tabs around it.
  var trimmingBlanks: String {
    func isBlank(_ character: Character) -> Bool { character == " " || character == "\t" }
    return String(drop { isBlank($0) }.reversed().drop { isBlank($0) }.reversed())
  }
}
