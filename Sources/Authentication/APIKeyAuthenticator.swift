/// The `apikeyauth` extension: who sends a key may send, for the tenant that the key belongs to.
package struct APIKeyAuthenticator: Authenticator {
  /// The extension's keys.
  package struct Configuration: Sendable {
    package struct Key: Sendable {
      package var key: String
      /// Nil for none.
      package var tenant: String?

      package init(key: String, tenant: String?) {
        self.key = key
        self.tenant = tenant
      }
    }

    package var header = "x-api-key"
    package var keys: [Key] = []

    package init() {}
  }

  private let header: String
  private let principals: [SecretDigest: Principal]
  private let refusals: (missing: AuthenticationFailure, wrong: AuthenticationFailure)

  package init(_ configuration: Configuration) {
    header = configuration.header.lowercased()
    principals = Dictionary(
      configuration.keys.map { (SecretDigest(of: $0.key), Principal(tenant: $0.tenant)) }
    ) { first, _ in first }
    let challenge = "ApiKey realm=\"heirloom\""
    refusals = (
      .unauthenticated(message: "a key is needed, in the header \(configuration.header)", challenge: challenge),
      .unauthenticated(message: "the key is not known here", challenge: challenge)
    )
  }

  package func authenticate(_ header: (String) -> String?) throws(AuthenticationFailure) -> Principal {
    guard let key = header(self.header) else { throw refusals.missing }
    guard let principal = principals[SecretDigest(of: key)] else { throw refusals.wrong }
    return principal
  }
}
