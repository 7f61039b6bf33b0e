@testable import Collector
import Configuration
import EndUser
import Receivers
import SelfTelemetry
import Spool
import Testing

struct ServiceConfigTests {
  private func service(_ lines: String) -> ServiceConfig {
    let reading = Reading.pipeline(service: lines)
    #expect(reading.messages == [])
    return reading.config.service
  }

  @Test func `without further keys a service has its defaults`() {
    let service = service("")
    #expect(service.shutdownTimeout == .seconds(10))
    #expect(service.logLevel == .info)
    #expect(service.logEncoding == .console)
    #expect(service.metricsAddress?.host == "127.0.0.1")
    #expect(service.metricsAddress?.port == 8888)
    #expect(service.extensions.isEmpty)
    #expect(service.durability == .buffered)
    #expect(service.storage.directory == "heirloom-data/spool")
    #expect(service.storage.syncInterval == .seconds(1))
    #expect(service.storage.maxSpoolMiB == 10_240)
  }

  @Test(arguments: [("fsync", Durability.fsync), ("Buffered", .buffered), ("memory", .memory)])
  func `every durability has its name`(name: String, durability: Durability) {
    #expect(service("  durability: \(name)").durability == durability)
  }

  @Test func `storage`() {
    let storage = service("  storage: {directory: /a/b, sync_interval: 20ms, max_spool_mib: 7}").storage
    #expect(unchanged(storage, from: service("").storage) == [])
    #expect(storage.directory == "/a/b")
    #expect(storage.syncInterval == .milliseconds(20))
    #expect(storage.maxSpoolMiB == 7)
  }

  @Test func `shutdown timeout and logs`() {
    let service = service(
      """
        shutdown_timeout: 1m
        telemetry: {logs: {level: WARN, encoding: json}}
      """)
    #expect(service.shutdownTimeout == .seconds(60))
    #expect(service.logLevel == .warn)
    #expect(service.logEncoding == .json)
  }

  @Test(arguments: [("debug", Log.Level.debug), ("info", .info), ("warn", .warn), ("error", .error)])
  func `every level of the log has its name`(name: String, level: Log.Level) {
    #expect(service("  telemetry: {logs: {level: \(name)}}").logLevel == level)
  }

  private static let prometheus = "pull: {exporter: {prometheus: {host: 0.0.0.0, port: 9999}}}"

  @Test(arguments: [
    // The lines under metrics:, the host and the port; nil for no port.
    ("{}", "127.0.0.1", UInt16(8888)), ("{level: basic}", "127.0.0.1", 8888),
    ("{address: '0.0.0.0:9999'}", "0.0.0.0", 9999), ("{address: ':0'}", "", 0),
    ("{address: '[::1]:9999'}", "::1", 9999), ("{address: }", "127.0.0.1", 8888),
    ("{readers: [{\(prometheus)}]}", "0.0.0.0", 9999),
    ("{level: detailed, readers: [{\(prometheus)}]}", "0.0.0.0", 9999),
    ("{readers: [{pull: {exporter: {prometheus: {}}}}]}", "127.0.0.1", 8888),
    ("{readers: [{pull: {exporter: {prometheus: {port: 1}}}}]}", "127.0.0.1", 1), ("{readers: }", "127.0.0.1", 8888),
    ("{level: none}", nil, 0), ("{level: none, address: '0.0.0.0:9999'}", nil, 0),
    ("{level: none, readers: [{\(prometheus)}]}", nil, 0), ("{readers: []}", nil, 0),
  ])
  func `metrics have an address, or none`(metrics: String, host: String?, port: UInt16) {
    let service = service("  telemetry: {metrics: \(metrics)}")
    #expect(service.metricsAddress?.host == host)
    #expect(service.metricsAddress?.port ?? 0 == port)
  }

  @Test func `who pushes metrics elsewhere, which Heirloom can't, gets no port instead`() {
    let reading = Reading.pipeline(
      service: "  telemetry: {metrics: {readers: [{periodic: {exporter: {otlp: {endpoint: x}}}}]}}")
    #expect(
      reading.messages.map { $0.split(separator: " ").dropFirst().joined(separator: " ") } == [
        "warning: service.telemetry.metrics.readers[0].periodic is not supported yet and has no effect"
      ])
    #expect(reading.config.service.metricsAddress == nil)
  }

  @Test func `keys of the readers that change nothing here are known`() {
    let reading = Reading.pipeline(
      service: """
          telemetry:
            metrics:
              views: []
              readers:
              - pull:
                  exporter:
                    prometheus: {without_scope_info: true, without_type_suffix: true, without_units: true}
        """)
    #expect(reading.messages.count == 4)
    #expect(reading.messages.allSatisfy { $0.hasSuffix("is not supported yet and has no effect") })
  }

  @Test func `pipelines have their components in the order written, under ids of any form`() {
    let reading = Reading(
      """
      receivers: {otlp: {protocols: {http: }}, otlp/2: {protocols: {http: {endpoint: "localhost:1"}}}}
      processors: {batch/x: , enduser: , memory_limiter: {check_interval: 1s, limit_mib: 100}}
      exporters: {debug: , otlphttp: {endpoint: "http://a"}, file/spans: {path: a}}
      service:
        pipelines:
          traces: {receivers: [otlp/2, otlp], exporters: [file/spans, otlphttp]}
          traces/more:
            receivers: otlp,otlp/2
            processors: [memory_limiter, enduser, batch/x]
            exporters: [otlp_http, debug]
      """)
    #expect(reading.messages == [])
    let pipelines = reading.config.service.pipelines
    #expect(pipelines.map(\.id.description) == ["traces", "traces/more"])
    #expect(pipelines[0].receivers.map(\.value) == ["otlp/2", "otlp"])
    #expect(pipelines[0].processors.isEmpty)
    #expect(pipelines[0].exporters.map(\.value) == ["file/spans", "otlphttp"])
    #expect(pipelines[1].receivers.map(\.value) == ["otlp", "otlp/2"])
    #expect(pipelines[1].processors.map(\.value) == ["memory_limiter", "enduser", "batch/x"])
    #expect(reading.config.exporters.keys.map(\.description).sorted() == ["debug", "file/spans", "otlp_http"])
  }

  @Test func `the environment and the command line fill in`() {
    let reading = Reading(
      BadConfigTests.good.replacing("127.0.0.1:0", with: "${env:HOST}:${env:PORT:-4318}"),
      settings: ["service.telemetry.logs.level=debug", "processors.enduser.root_wait=1s"],
      variables: ["HOST": "10.0.0.1"])
    #expect(reading.messages == [])
    #expect(reading.config.receivers.values.first?.value.http?.host == "10.0.0.1")
    #expect(reading.config.receivers.values.first?.value.http?.port == 4318)
    #expect(reading.config.service.logLevel == .debug)
    guard case .endUser(let endUser) = reading.config.processors[ComponentID("enduser")!]?.value else {
      Issue.record("no enduser")
      return
    }
    #expect(endUser.rootWait == .seconds(1))
  }
}
