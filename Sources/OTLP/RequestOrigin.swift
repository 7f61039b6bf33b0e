/// What is known of a request beside its bytes: whose it is, and what its headers said. It never changes.
package final class RequestOrigin: Sendable, Equatable {
  /// Whose traces these are: those of one tenant have nothing to do with those of another, whatever their ids. Nil for
  /// nobody's in particular.
  package let tenant: String?
  /// Headers that somebody asked for, by their names in lower case, each once.
  package let headers: [(name: String, value: String)]
  /// Stands for the tenant, in every run the same; 0 for none. Of as many tenants as there can be, no two have the same: they
  /// are the operator's, whom nobody keeps from naming them otherwise.
  package let tenantNumber: UInt64

  package init(tenant: String?, headers: [(name: String, value: String)] = []) {
    self.tenant = tenant
    self.headers = headers
    tenantNumber = tenant.map(Self.number) ?? 0
  }

  /// The value of a header, by its name in lower case; nil when it was not there.
  package func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

  package static func == (one: RequestOrigin, other: RequestOrigin) -> Bool {
    one.tenant == other.tenant && one.headers.elementsEqual(other.headers) { $0 == $1 }
  }

  /// FNV-1a.
  private static func number(_ tenant: String) -> UInt64 {
    let hash = tenant.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    return hash == 0 ? 1 : hash
  }
}
