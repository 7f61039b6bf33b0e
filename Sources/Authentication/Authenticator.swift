/// Says who has sent a request, by its headers alone.
package protocol Authenticator: Sendable {
  /// Called on any thread, before anything of the request's body is read.
  ///
  /// - Parameter header: the value of the header (or the gRPC metadata) of that name, which is in lower case; nil when there
  ///   is none.
  /// - Returns: who has sent it.
  /// - Throws: why it is not taken.
  func authenticate(_ header: (String) -> String?) throws(AuthenticationFailure) -> Principal
}

/// Who has sent a request.
package struct Principal: Sendable, Equatable {
  /// Whose traces the request brings: those of one tenant have nothing to do with those of another. Nil when what
  /// authenticated the request names none.
  package let tenant: String?

  package init(tenant: String?) {
    self.tenant = tenant
  }
}

/// Why nobody knows who has sent a request.
package enum AuthenticationFailure: Error, Sendable, Equatable {
  /// No credentials, or wrong ones.
  ///
  /// - message: for the person who runs the sender.
  /// - challenge: what HTTP's `WWW-Authenticate` says.
  case unauthenticated(message: String, challenge: String)
  /// It can't be checked now: perhaps so many seconds later.
  case busy(message: String, retryAfter: Int)
}

/// Several authenticators in the place of one: the first that does not refuse the request says who has sent it.
package struct AnyAuthenticator: Authenticator {
  private let authenticators: [any Authenticator]

  /// - Parameter authenticators: at least one.
  package init(_ authenticators: [any Authenticator]) {
    precondition(!authenticators.isEmpty, "somebody has to know")
    self.authenticators = authenticators
  }

  package func authenticate(_ header: (String) -> String?) throws(AuthenticationFailure) -> Principal {
    var failures: [AuthenticationFailure] = []
    for authenticator in authenticators {
      do throws(AuthenticationFailure) {
        return try authenticator.authenticate(header)
      } catch {
        failures.append(error)
      }
    }
    throw Self.together(failures)
  }

  private static func together(_ failures: [AuthenticationFailure]) -> AuthenticationFailure {
    var messages: [String] = []
    var challenges: [String] = []
    for failure in failures {
      guard case .unauthenticated(let message, let challenge) = failure else { return failure }
      messages.append(message)
      challenges.append(challenge)
    }
    return .unauthenticated(
      message: messages.joined(separator: "; or "), challenge: challenges.joined(separator: ", "))
  }
}
