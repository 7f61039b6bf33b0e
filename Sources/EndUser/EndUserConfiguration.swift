/// The keys of the `enduser` processor.
package struct EndUserConfiguration: Sendable, Equatable {
  /// Who speaks for a trace whose root names no end user.
  package enum Fallback: String, Sendable, CaseIterable {
    case topmost, none
  }

  /// Headers that name the end user and the session where a root and its trace do not, in lower case; nil for none.
  package struct Headers: Sendable, Equatable {
    package var endUser: String?
    package var session: String?

    package init() {}

    /// Those that are asked for.
    package var names: [String] { [endUser, session].compactMap { $0 } }
  }

  /// Keys of the end user's id, in the order in which a root is asked; likewise for the next two.
  package var idKeys = Conventions.names(of: .endUserID)
  package var metadataKeys = Conventions.names(of: .endUserMetadata)
  package var sessionKeys = Conventions.names(of: .session)
  /// Further attributes of the root to hand down: keys, or prefixes with a `*` behind them.
  package var inherit: [String] = []
  package var fallback = Fallback.topmost
  package var fromHeaders = Headers()
  /// How long a trace waits for a span that names the end user after its root came without one.
  package var fallbackWait = Duration.seconds(2)
  /// How long a local root with an identity waits for the true root.
  package var localRootWait = Duration.seconds(10)
  /// How long a trace waits for its root, from its first span.
  package var rootWait = Duration.seconds(300)
  /// Traces that wait at most.
  package var maxTraces = 1_000_000
  /// Spans of one trace that wait at most.
  package var maxSpansPerTrace = 100_000
  /// MiB of spans that wait at most.
  package var maxBufferedMiB = 1024
  /// Resolved traces that are remembered, for late spans, at most and how long.
  package var maxResolvedTraces = 1_000_000
  package var resolvedFor = Duration.seconds(3600)
  /// MiB that remembering them takes at most.
  package var maxResolvedMiB = 1024
  /// Bytes that a trace hands down to each of its spans at most. A longer value is no identity.
  package var maxIdentityBytes = 64 << 10
  /// Whether each resolved trace gets a line in the log.
  package var logTraces = false

  package init() {}

  /// The same for a process that takes no requests when it is larger than `bytes`: what is remembered must not be what keeps it
  /// so, and what can wait on disk need not either.
  package func fitting(_ bytes: Int, hasStorage: Bool) -> EndUserConfiguration {
    var fitting = self
    let share = max(1, (bytes / 4) >> 20)
    fitting.maxResolvedMiB = min(maxResolvedMiB, share)
    if hasStorage { fitting.maxBufferedMiB = min(maxBufferedMiB, share) }
    return fitting
  }
}
