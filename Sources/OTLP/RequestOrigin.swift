/// What is known of a request beside its bytes: whose it is, and what its headers said. It never changes.
package final class RequestOrigin: Sendable, Equatable {
  /// Whose traces these are: those of one tenant have nothing to do with those of another, whatever their ids. Nil for
  /// nobody's in particular.
  package let tenant: String?
  /// Headers that somebody asked for, by their names in lower case, each once.
  package let headers: [(name: String, value: String)]

  package init(tenant: String?, headers: [(name: String, value: String)] = []) {
    self.tenant = tenant
    self.headers = headers
  }

  /// The value of a header, by its name in lower case; nil when it was not there.
  package func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

  package static func == (one: RequestOrigin, other: RequestOrigin) -> Bool {
    one.tenant == other.tenant && one.headers.elementsEqual(other.headers) { $0 == $1 }
  }
}
