package import Authentication
import Locks
package import OTLP

/// Asks who has sent a request, before its body is read, and keeps what its headers say for whoever wants it. A new
/// configuration may have it ask otherwise while requests come.
package final class Doorkeeper: Sendable {
  /// What it does.
  package struct Duties: Sendable {
    /// Who knows the senders; nil lets everybody in.
    package var authenticator: (any Authenticator)?
    /// Headers that are kept, by their names in lower case.
    package var wantedHeaders: [String] = []

    package init() {}
  }

  private let duties = Locked<Duties?>(nil)

  /// Without duties it lets nobody in.
  package init() {}

  package func take(_ duties: Duties) { self.duties.withLock { $0 = duties } }

  /// Lets a request in.
  ///
  /// - Parameter header: the value of the header (or the gRPC metadata) of that name, which is in lower case; nil when there
  ///   is none.
  /// - Returns: what is to go with the request; mostly nil, which is nothing.
  /// - Throws: why it stays outside.
  package func admit(_ header: (String) -> String?) throws(AuthenticationFailure) -> RequestOrigin? {
    guard let duties = duties.withLock({ $0 }) else {
      throw .busy(message: "the collector is changing its configuration; try again later", retryAfter: 1)
    }
    let principal = try duties.authenticator?.authenticate(header)
    var kept: [(name: String, value: String)] = []
    for name in duties.wantedHeaders {
      if let value = header(name), !value.isEmpty { kept.append((name, value)) }
    }
    guard principal?.tenant != nil || !kept.isEmpty else { return nil }
    return RequestOrigin(tenant: principal?.tenant, headers: kept)
  }
}
