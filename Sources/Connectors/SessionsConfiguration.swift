/// The keys of the `sessions` connector.
package struct SessionsConfiguration: Sendable, Equatable {
  /// The shortest time between two log records of one session.
  package var updateInterval = Duration.seconds(10)
  /// A session that got no span for so long is at its end.
  package var idleTimeout = Duration.seconds(1800)
  /// The time between two exports of metrics.
  package var metricsInterval = Duration.seconds(60)
  /// End users that have series of their own at most.
  package var cardinalityLimit = 2000
  /// Upper bounds of the buckets of latencies, the lowest first.
  package var buckets: [Duration] = defaultBuckets
  /// Whether figures only grow. They do not where the ledger forgets what is old.
  package var isMonotonic = true

  /// Those that semantic conventions advise for `gen_ai.client.operation.duration`: each twice the one before it.
  private static let defaultBuckets = (0..<14).map { Duration.milliseconds(10 << $0) }

  package init() {}
}
