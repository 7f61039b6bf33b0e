import Authentication
import Configuration
import Receivers
import SelfTelemetry

/// Who knows the senders of a configuration's receivers.
struct Authenticators {
  private var authenticators: [ComponentID: any Authenticator] = [:]

  /// Reads what they know.
  ///
  /// - Parameters:
  ///   - config: checked.
  ///   - log: told when files of theirs can't be read any more.
  /// - Throws: what can't be read, with its place in the configuration.
  init(_ config: CollectorConfig, log: Log) throws(Diagnostic) {
    for defined in config.extensionsInUse {
      do throws(CredentialFileError) {
        authenticators[defined.id] = try Self.make(defined.value, log: log)
      } catch {
        throw Diagnostic(.error, at: defined.position, "extensions.\(defined.id): \(error)")
      }
    }
  }

  private static func make(_ config: ExtensionConfig, log: Log) throws(CredentialFileError) -> (any Authenticator)? {
    switch config {
    case .bearerTokens(let keys): try BearerTokenAuthenticator(keys, log: log)
    case .basic(let keys): try BasicAuthenticator(keys, log: log)
    case .apiKeys(let keys): APIKeyAuthenticator(keys)
    case .ledger, .healthCheck: nil
    }
  }

  /// What a receiver's doorkeeper does, when somebody wants to know these headers.
  func duties(_ admission: Admission, headers: [String]) -> Doorkeeper.Duties {
    var duties = Doorkeeper.Duties()
    if admission.includeMetadata { duties.wantedHeaders = headers }
    let named = admission.authenticators.compactMap { ComponentID($0).flatMap { authenticators[$0] } }
    if !admission.authenticators.isEmpty { duties.authenticator = AnyAuthenticator(named) }
    return duties
  }
}
