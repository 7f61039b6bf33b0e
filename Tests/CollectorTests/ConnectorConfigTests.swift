@testable import Collector
import Connectors
import OTLP
import Testing

/// The `sessions` connector of a configuration.
struct ConnectorConfigTests {
  private static let good = """
    receivers: {otlp: {protocols: {http: {}}}}
    processors: {enduser: {}}
    connectors:
      sessions: {KEYS}
    exporters: {debug: {}}
    extensions: {ledger: {}}
    service:
      extensions: [ledger]
      pipelines:
        traces:
          receivers: [otlp]
          processors: [enduser]
          exporters: [sessions]
        logs:
          receivers: [sessions]
          exporters: [debug]
        metrics:
          receivers: [sessions, otlp]
          exporters: [debug]
    """

  private func reading(keys: String = "", _ part: String = "", by other: String = "") -> Reading {
    let yaml = Self.good.replacing("KEYS", with: keys)
    return Reading(part.isEmpty ? yaml : yaml.replacing(part, with: other))
  }

  @Test func `every key goes where it belongs`() throws {
    let reading = reading(
      keys: """
        update_interval: 1s, idle_timeout: 2s, metrics_interval: 3s, aggregation_cardinality_limit: 4, \
        histogram: {explicit: {buckets: [5ms, 6s]}}
        """)
    #expect(reading.messages == [])
    let found = try #require(reading.config.sessionsInUse)
    var expected = SessionsConfiguration()
    expected.updateInterval = .seconds(1)
    expected.idleTimeout = .seconds(2)
    expected.metricsInterval = .seconds(3)
    expected.cardinalityLimit = 4
    expected.buckets = [.milliseconds(5), .seconds(6)]
    #expect(found.value == expected)
    #expect(unchanged(expected, from: SessionsConfiguration()) == ["isMonotonic"])
    #expect(reading.config.signals(handedOnBy: found.id) == [.logs, .metrics])
  }

  @Test(arguments: ["max_age: 1h", "max_traces: 5"]) func `where the ledger forgets, sums do not only grow`(
    keys: String
  ) {
    let reading = reading("ledger: {}", by: "ledger: {retention: {\(keys)}}")
    #expect(reading.messages == [])
    #expect(reading.config.sessionsInUse?.value.isMonotonic == false)
  }

  @Test func `one that no pipeline names is not used`() {
    let reading = Reading(
      """
      receivers: {otlp: {protocols: {http: {}}}}
      connectors: {sessions: {}}
      exporters: {debug: {}}
      service: {pipelines: {traces: {receivers: [otlp], exporters: [debug]}}}
      """)
    #expect(reading.messages == [])
    #expect(reading.config.sessionsInUse == nil)
  }

  @Test(arguments: [
    (
      "  extensions: [ledger]\n", "",
      ["4:3: error: connectors.sessions: it tells what the ledger knows, and service.extensions names no ledger"]
    ),
    (
      "exporters: [sessions]", "exporters: [debug]",
      [
        "4:3: error: connectors.sessions: it is in the receivers of a pipeline, and has to be in the exporters of one, too"
      ]
    ),
    (
      "receivers: [sessions", "receivers: [otlp",
      [
        "18:25: error: service.pipelines.metrics.receivers: \"otlp\" stands twice",
        "4:3: error: connectors.sessions: it is in the exporters of a pipeline, and has to be in the receivers of one, too",
      ]
    ),
    (
      "receivers: [otlp]", "receivers: [otlp, sessions]",
      ["11:25: error: service.pipelines.traces.receivers: \"sessions\" hands on logs and metrics, not traces"]
    ),
    (
      "processors: [enduser]", "processors: []",
      [
        "8:16: warning: service.extensions: no pipeline has an enduser processor, so nothing feeds the ledger",
        "13:19: error: service.pipelines.traces.exporters: \"sessions\" needs an enduser processor in the pipeline, which feeds the ledger",
      ]
    ),
    (
      "receivers: [sessions]\n      exporters: [debug]", "receivers: [sessions]\n      exporters: [debug, sessions]",
      ["16:26: error: service.pipelines.logs.exporters: \"sessions\" takes traces, not logs"]
    ),
    (
      "sessions: {}", "sessions: {}\n  sessions/2: {}", [String]()
    ),
    (
      "sessions: {}", "sessions: {idle_timeout: 10ms, aggregation_cardinality_limit: 0}",
      [
        "4:28: error: connectors.sessions.idle_timeout: expected a duration from 0.1 seconds to 31622400.0 seconds, found the text \"10ms\"",
        "4:65: error: connectors.sessions.aggregation_cardinality_limit: expected a whole number from 1 to 100000, found the whole number 0",
      ]
    ),
    (
      "sessions: {}", "sessions: {histogram: {explicit: {buckets: [2s, 1s]}}}",
      [
        "4:46: error: connectors.sessions.histogram.explicit.buckets: expected 1 to 100 durations, each longer than the one before it"
      ]
    ),
  ])
  func `each fault is told once, with its place`(part: String, by other: String, messages: [String]) {
    #expect(reading(part, by: other).messages == messages.map { "c.yaml:\($0)" })
  }

  @Test func `a collector has one of them`() {
    let yaml = Self.good.replacing("{KEYS}", with: "{}\n  sessions/2: {}")
      .replacing("exporters: [sessions]", with: "exporters: [sessions, sessions/2]")
      .replacing("receivers: [sessions, otlp]", with: "receivers: [sessions/2]")
    #expect(
      Reading(yaml).messages == [
        "c.yaml:5:3: error: connectors.sessions/2: a collector has one sessions connector at most"
      ])
  }
}
