import Ledger
import Locks
import Pipeline
import SelfTelemetry

/// Tells the figures of end users.
final class UserTeller {
  private let configuration: SessionsConfiguration
  private let ledger: any SessionLedger
  private let output: ConnectorOutput
  private let envelope: Envelope
  private let usersInOverflow: Gauge
  private var starts: SeriesStarts
  private var previous: Int64?

  /// Series whose points are sent together.
  private static let pageSize = 500

  init(
    _ configuration: SessionsConfiguration, ledger: any SessionLedger, output: ConnectorOutput, envelope: Envelope,
    usersInOverflow: Gauge
  ) {
    self.configuration = configuration
    self.ledger = ledger
    self.output = output
    self.envelope = envelope
    self.usersInOverflow = usersInOverflow
    // The users', that of the others, and nobody's.
    starts = SeriesStarts(capacity: configuration.cardinalityLimit + 2)
  }

  /// Tells all of them, as they are now.
  ///
  /// - Parameters:
  ///   - time: nanoseconds since the Unix epoch.
  ///   - hasTime: asked between requests.
  /// - Returns: how long to wait before another attempt, when a pipeline refused some.
  /// - Throws: what the ledger says.
  func tell(at time: Int64, while hasTime: () -> Bool) throws -> Duration? {
    let rollups = try ledger.userRollups(
      limit: configuration.cardinalityLimit, bounds: configuration.buckets.map { Int64(clamping: $0.nanoseconds) })
    usersInOverflow.set(rollups.othersCount)
    starts.follow(rollups, previous: previous)
    previous = time
    let metrics = UserMetrics(configuration: configuration, starts: starts, time: time)
    var rest = rollups.series[...]
    while !rest.isEmpty, hasTime() {
      let page = rest.prefix(Self.pageSize)
      if let refusal = output.hand(envelope.request(metrics.metrics(page))) {
        return .seconds(max(refusal.retryAfter, 1))
      }
      rest = rest.dropFirst(page.count)
    }
    return nil
  }
}
