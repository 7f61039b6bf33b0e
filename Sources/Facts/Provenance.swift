package import EndUser

/// Where a trace's identity comes from, what had to give way to it, and what of what its spans say has no effect.
package struct Provenance: Sendable, Equatable {
  /// Who speaks for the trace, as docs/identity.md calls them.
  package enum Source: String, Sendable, CaseIterable {
    case root
    case localRoot = "local_root"
    case topmost, resource
    /// Another trace of its session names the end user.
    case session
    /// Without a session the trace is one.
    case trace
  }

  /// Where the end user, the session or the metadata comes from.
  package struct Origin: Sendable, Equatable {
    package var source: Source
    package var span: UInt64?
    /// Nil where the record doesn't tell, or metadata was put together from several attributes.
    package var key: String?
    /// When the span's request was accepted, in nanoseconds since the Unix epoch.
    package var accepted: Int64?
    /// The other trace, where the source is one: 32 hexadecimal digits.
    package var trace: String?

    package init(_ source: Source) {
      self.source = source
    }
  }

  /// Why the trace's own spans name no end user.
  package enum Reason: String, Sendable, CaseIterable {
    /// No span has any of the keys.
    case nobodyNamed = "nobody_named"
    /// A span below the root names one; with `fallback: none` that does not count.
    case fallbackNone = "fallback_none"
    /// Keys are there, with values that are empty, too long, or of another type.
    case unusableValue = "unusable_value"
    /// Keys are there that bind to roots, on other spans.
    case belowRoot = "below_root"
    /// Keys are there that mean who runs the SDK.
    case onlyOperator = "only_operator"
  }

  /// An attribute of a span that the identity replaced, or removed, as far as the span came from this collector.
  package struct Replaced: Sendable, Equatable {
    package var span: UInt64
    package var role: Conventions.Role
    package var key: String
    package var value: String?
    /// What stands under the key now; nil where nothing does.
    package var replacement: String?
  }

  /// An attribute of a span that names somebody or something, to no effect.
  package struct Unused: Sendable, Equatable {
    package enum Reason: String, Sendable, CaseIterable {
      case empty
      case tooLong = "too_long"
      case wrongType = "wrong_type"
      case belowRoot = "below_root"
      case isOperator = "operator"
      case fallbackNone = "fallback_none"
      /// Another key of the speaking span goes before it.
      case laterKey = "later_key"
      /// Stays on its span: its key is not the trace's, and may mean something else.
      case kept
    }

    package var span: UInt64
    package var role: Conventions.Role
    package var key: String
    package var value: String?
    package var reason: Reason
  }

  package var endUserID: String?
  package var sessionID: String?
  package var endUser: Origin?
  package var session: Origin?
  package var metadata: Origin?
  /// Nil where the trace's own spans name an end user.
  package var unattributed: Reason?
  /// Whether a root is among the spans.
  package var hasRoot = false
  package var replaced: [Replaced] = []
  package var unused: [Unused] = []
  /// False where a span names somebody in a record that doesn't say by which key.
  package var isComplete = true

  package init() {}
}
