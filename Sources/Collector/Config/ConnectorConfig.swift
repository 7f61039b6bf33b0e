import Configuration
import Connectors
import Locks

/// One connector's keys.
enum ConnectorConfig {
  case sessions(SessionsConfiguration)

  /// - Parameters:
  ///   - type: one of the catalog's connectors.
  ///   - section: its keys.
  init?(_ type: String, _ section: ConfigSection) {
    switch type {
    case "sessions": self = .sessions(Self.sessions(section))
    default: return nil
    }
  }

  private static func sessions(_ section: ConfigSection) -> SessionsConfiguration {
    let intervals = Duration.milliseconds(100) ... .seconds(86_400)
    var configuration = SessionsConfiguration()
    configuration.updateInterval = section.duration(
      "update_interval", default: configuration.updateInterval, in: intervals)
    configuration.idleTimeout = section.duration(
      "idle_timeout", default: configuration.idleTimeout, in: .milliseconds(100) ... .seconds(86_400 * 366))
    configuration.metricsInterval = section.duration(
      "metrics_interval", default: configuration.metricsInterval, in: intervals)
    configuration.cardinalityLimit = section.int(
      "aggregation_cardinality_limit", default: configuration.cardinalityLimit, in: 1...100_000)
    if let explicit = section.section("histogram")?.section("explicit"),
      let buckets = explicit.durations("buckets")
    {
      let isRising = zip(buckets, buckets.dropFirst()).allSatisfy { $0 < $1 }
      if buckets.isEmpty || buckets.count > 100 || !isRising || buckets[0] <= .zero {
        explicit.error("buckets", "expected 1 to 100 durations, each longer than the one before it")
      }
      configuration.buckets = buckets
    }
    return configuration
  }
}
