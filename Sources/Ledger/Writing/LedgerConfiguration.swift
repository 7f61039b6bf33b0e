package import EndUser
package import Prices
package import Privacy

/// The keys of the `ledger` extension that concern the file.
package struct LedgerConfiguration: Sendable {
  /// What becomes of spans that name a forgotten end user.
  package enum Forgetting: String, Sendable, CaseIterable {
    /// They are not taken in.
    case refuse
    /// They are taken in under a name that says nothing.
    case pseudonym
  }

  package var path: String
  /// How long facts are collected until they are written in one transaction.
  package var interval = Duration.seconds(1)
  /// MiB of facts that wait to be written at most.
  package var maxBufferedMiB = 64
  /// How long a trace that got a span stays, whatever the limits below say: as long, a span that comes again is known.
  package var dedupWindow = Duration.seconds(3600)
  /// How old traces get, by their start; nil for ever.
  package var maxAge: Duration?
  /// Traces that are kept at most, the latest ones; nil for no limit.
  package var maxTraces: Int?
  /// Whether a trace without an end user of its own belongs to that of its session.
  package var inheritsSessionUser = true
  /// Whether a trace without a session is a session of its own.
  package var tracesAreSessions = false
  /// Whether whole spans are kept.
  package var spanBodies = false
  /// A larger span is not kept whole.
  package var maxBodyBytes = 64 << 10
  /// Spans of a trace that are kept in its tree. Those that come later count as observations and errors, and no more.
  package var maxSpansPerTree = 10_000
  /// Whether it remembers which sessions others are to be told of.
  package var remembersChanges = false
  package var prices = PriceTable.builtIn
  package var fallback = EndUserConfiguration.Fallback.topmost
  /// What must not be in it.
  package var privacy = PrivacyPolicy()
  /// nil: as the collector said that had the ledger last; `refuse` when none did.
  package var forgetting: Forgetting?

  package init(path: String) {
    self.path = path
  }
}
