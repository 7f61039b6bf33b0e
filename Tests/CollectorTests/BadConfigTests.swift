@testable import Collector
import Testing

/// What an operator reads about a configuration that is not right.
struct BadConfigTests {
  /// A good one, to be made worse. The numbers of its lines are those of the messages.
  static let good = """
    receivers:
      otlp:
        protocols:
          http:
            endpoint: 127.0.0.1:0
    processors:
      enduser:
      batch:
    exporters:
      debug:
      file:
        path: a
    service:
      pipelines:
        traces:
          receivers: [otlp]
          processors: [enduser, batch]
          exporters: [debug, file]
    """

  @Test func `the good one is good`() {
    #expect(Reading(Self.good).messages == [])
  }

  /// One part replaced by another, and what is said about it.
  struct Fault: Sendable, CustomTestStringConvertible {
    let part: String
    let by: String
    let messages: [String]

    init(_ part: String, _ by: String, _ messages: String...) {
      self.part = part
      self.by = by
      self.messages = messages
    }

    var testDescription: String { by }
  }

  @Test(arguments: structure + receivers + edge + processors + exporters + service)
  func `each fault is told once, with its place`(fault: Fault) throws {
    try #require(Self.good.split(separator: fault.part, omittingEmptySubsequences: false).count == 2)
    let messages = Reading(Self.good.replacing(fault.part, with: fault.by)).messages
    #expect(messages == fault.messages.map { "c.yaml:\($0)" })
  }

  @Test func `a pipeline has one identity`() {
    let reading = Reading(
      Self.good,
      settings: ["processors.enduser/2={}", "service.pipelines.traces.processors=[enduser, batch, enduser/2]"])
    #expect(
      reading.messages == [
        "--set service.pipelines.traces.processors: error: service.pipelines.traces.processors: a pipeline has one "
          + "enduser processor at most"
      ])
  }
}

extension BadConfigTests {
  static let structure: [Fault] = [
    Fault(
      "receivers:\n  otlp:", "receviers:\n  otlp:",
      "16:19: error: service.pipelines.traces.receivers: receiver \"otlp\" is not defined",
      "1:1: error: unknown key \"receviers\" (did you mean \"receivers\"?)"),
    Fault(
      "service:", "services:",
      "1:1: error: service is required",
      "13:1: error: unknown key \"services\" (did you mean \"service\"?)"),
    Fault(
      "service:\n  pipelines:", "other:\n  pipelines:",
      "1:1: error: service is required",
      "13:1: error: unknown key \"other\""),
    Fault(
      "exporters:\n  debug:\n  file:\n    path: a", "exporters: [debug, file]",
      "9:12: error: exporters: expected a mapping, found a list",
      "15:19: error: service.pipelines.traces.exporters: exporter \"debug\" is not defined",
      "15:26: error: service.pipelines.traces.exporters: exporter \"file\" is not defined"),
    Fault(
      "exporters:\n  debug:", "connectors:\n  forward:\nexporters:\n  debug:",
      "10:3: error: connectors.forward: Heirloom does not have the connector \"forward\" yet; there are sessions"),
    Fault(
      "exporters:\n  debug:", "connectors:\n  foo:\nexporters:\n  debug:",
      "10:3: error: connectors.foo: unknown connector \"foo\"; there are sessions"),
    Fault(
      "processors:\n  enduser:", "extensions:\n  zpages:\n    endpoint: x\nprocessors:\n  enduser:",
      "7:3: warning: extensions.zpages is not supported yet and has no effect"),
    Fault(
      "processors:\n  enduser:", "extensions:\n  helth_check:\nprocessors:\n  enduser:",
      "7:3: error: extensions.helth_check: unknown extension \"helth_check\"; there are ledger, health_check, apikeyauth, basicauth, bearertokenauth"
    ),
    Fault(
      "processors:\n  enduser:", "extensions: {zpages: , pprof/a: {x: 1}}\nprocessors:\n  enduser:",
      "6:14: warning: extensions.zpages is not supported yet and has no effect",
      "6:24: warning: extensions.pprof/a is not supported yet and has no effect"),
    Fault(
      "service:\n", "extensions:\n  zpages:\nservice:\n  extensions: [zpages]\n",
      "14:3: warning: extensions.zpages is not supported yet and has no effect"),
    Fault(
      "  debug:", "  debug: 3",
      "10:10: error: exporters.debug: expected a mapping, found the whole number 3"),
    Fault(
      "  debug:", "  debug: []",
      "10:10: error: exporters.debug: expected a mapping, found a list"),
    Fault(
      "  debug:", "  debug/:",
      "10:3: error: exporters: \"debug/\" is no id of the form type or type/name",
      "18:19: error: service.pipelines.traces.exporters: exporter \"debug\" is not defined"),
    Fault(
      "  debug:", "  /debug:",
      "10:3: error: exporters: \"/debug\" is no id of the form type or type/name",
      "18:19: error: service.pipelines.traces.exporters: exporter \"debug\" is not defined"),
    Fault(
      "  debug:", "  kafka:",
      "10:3: error: exporters.kafka: Heirloom does not have the exporter \"kafka\" yet; there are otlp_http, otlp_grpc, file, debug",
      "18:19: error: service.pipelines.traces.exporters: exporter \"debug\" is not defined"),
    Fault(
      "  debug:", "  debgu:",
      "10:3: error: exporters.debgu: unknown exporter \"debgu\"; there are otlp_http, otlp_grpc, file, debug",
      "18:19: error: service.pipelines.traces.exporters: exporter \"debug\" is not defined"),
    Fault(
      "  debug:", "  zipkin:",
      "10:3: error: exporters.zipkin: Heirloom does not have the exporter \"zipkin\" yet; there are otlp_http, otlp_grpc, file, debug",
      "18:19: error: service.pipelines.traces.exporters: exporter \"debug\" is not defined"),
    Fault(
      "  debug:\n", "  debug:\n  otlphttp/x:\n    endpoint: http://a\n  otlp_http/x:\n    endpoint: http://a\n",
      "13:3: error: exporters: \"otlp_http/x\" is defined twice"),
  ]

  static let service: [Fault] = [
    Fault(
      "  pipelines:",
      "  durability: disk\n  storage: {directory: '', sync_interval: 2, max_spool_mib: 0, dir: x}\n  pipelines:",
      "15:24: error: service.storage.directory: must not be empty",
      "15:43: error: service.storage.sync_interval: expected a duration, found the whole number 2 (write its unit, as in 5s)",
      "15:61: error: service.storage.max_spool_mib: expected a whole number from 1 to 1073741824, found the whole number 0",
      "14:15: error: service.durability: expected one of fsync, buffered, memory, found the text \"disk\"",
      "15:64: error: unknown key \"dir\" in service.storage"),
    Fault(
      "  pipelines:", "  storage: spool\n  pipelines:",
      "14:12: error: service.storage: expected a mapping, found the text \"spool\""),
    Fault(
      "      receivers: [otlp]\n", "",
      "15:5: error: service.pipelines.traces.receivers: at least one is required"),
    Fault(
      "      receivers: [otlp]\n", "      receivers: []\n",
      "16:18: error: service.pipelines.traces.receivers: at least one is required"),
    Fault(
      "      exporters: [debug, file]", "",
      "15:5: error: service.pipelines.traces.exporters: at least one is required"),
    Fault(
      "      receivers: [otlp]\n", "      receivers: [otlp/2]\n",
      "16:19: error: service.pipelines.traces.receivers: receiver \"otlp/2\" is not defined"),
    Fault(
      "      receivers: [otlp]\n", "      receivers: [/x]\n",
      "16:19: error: service.pipelines.traces.receivers: \"/x\" is no id of the form type or type/name"),
    Fault(
      "      receivers: [otlp]\n", "      receivers: [otlp, otlp]\n",
      "16:25: error: service.pipelines.traces.receivers: \"otlp\" stands twice"),
    Fault(
      "      receivers: [otlp]\n", "      reciever: [otlp]\n",
      "15:5: error: service.pipelines.traces.receivers: at least one is required",
      "16:7: error: unknown key \"reciever\" in service.pipelines.traces (did you mean \"receivers\"?)"),
    Fault(
      "      receivers: [otlp]\n", "      receivers: {otlp: }\n",
      "16:18: error: service.pipelines.traces.receivers: expected a list of texts, found a mapping",
      "16:18: error: service.pipelines.traces.receivers: at least one is required"),
    Fault(
      "processors: [enduser, batch]", "processors: [enduser, bacth]",
      "17:29: error: service.pipelines.traces.processors: processor \"bacth\" is not defined"),
    Fault(
      "exporters: [debug, file]", "exporters: [debug, file, debug]",
      "18:32: error: service.pipelines.traces.exporters: \"debug\" stands twice"),
    Fault(
      "processors: [enduser, batch]", "processors: [enduser, batch, batch]",
      "17:36: error: service.pipelines.traces.processors: \"batch\" stands twice",
      "17:36: error: service.pipelines.traces.processors: a pipeline has one batch processor at most"),
    Fault(
      "    traces:\n", "    trace:\n",
      "15:5: error: service.pipelines.trace: a pipeline is for traces, logs or metrics, not for trace",
      "15:5: error: service.pipelines: a pipeline is required"),
    Fault(
      "    traces:\n", "    /x:\n",
      "15:5: error: service.pipelines: \"/x\" is no id of the form type or type/name",
      "15:5: error: service.pipelines: a pipeline is required"),
    Fault(
      "    traces:\n", "    profiles: {receivers: [otlp], exporters: [nothing]}\n    traces:\n",
      "15:5: warning: service.pipelines.profiles: profiles are not supported yet, the pipeline has no effect"),
    Fault(
      "    traces:\n", "    metrics:\n",
      "17:20: error: service.pipelines.metrics.processors: \"enduser\" can't process metrics"),
    Fault(
      "    traces:\n", "    logs/a:\n",
      "17:20: warning: service.pipelines.logs/a.processors: \"enduser\" is in no traces pipeline, so nobody tells it whose "
        + "the log records are"),
    Fault(
      "  pipelines:\n    traces:\n", "  pipelines:\n  traces:\n",
      "14:3: error: service.pipelines is required",
      "15:3: error: unknown key \"traces\" in service"),
    Fault(
      "  pipelines:\n", "  extensions: [health_check]\n  pipelines:\n",
      "14:16: error: service.extensions: extension \"health_check\" is not defined"),
    Fault(
      "  pipelines:\n", "  shutdown_timeout: ten\n  pipelines:\n",
      "14:21: error: service.shutdown_timeout: expected a duration such as 200ms, 5s or 1m30s, found the text \"ten\""),
    Fault(
      "  pipelines:\n", "  telemetry: {logs: {level: loud, encoding: xml, sampling: {}}}\n  pipelines:\n",
      "14:29: error: service.telemetry.logs.level: expected one of debug, info, warn, error, found the text \"loud\"",
      "14:45: error: service.telemetry.logs.encoding: expected one of console, json, found the text \"xml\"",
      "14:50: warning: service.telemetry.logs.sampling is not supported yet and has no effect"),
    Fault(
      "  pipelines:\n", "  telemetry: {metrics: {address: here, level: some}, traces: {}}\n  pipelines:\n",
      "14:34: error: service.telemetry.metrics.address: expected host:port, found \"here\"",
      "14:47: error: service.telemetry.metrics.level: expected one of none, basic, normal, detailed, found the text \"some\"",
      "14:54: warning: service.telemetry.traces is not supported yet and has no effect"),
    Fault(
      "  pipelines:\n", "  telemetry: {metrics: {readers: [{pul: {}}]}}\n  pipelines:\n",
      "14:36: error: unknown key \"pul\" in service.telemetry.metrics.readers[0] (did you mean \"pull\"?)"),
    Fault(
      "  pipelines:\n", "  telemetry: {metrics: {readers: [{periodic: {exporter: {}}}]}}\n  pipelines:\n",
      "14:36: warning: service.telemetry.metrics.readers[0].periodic is not supported yet and has no effect"),
    Fault(
      "  pipelines:\n",
      "  telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {port: 99999, hots: x}}}}]}}\n  pipelines:\n",
      "14:73: error: service.telemetry.metrics.readers[0].pull.exporter.prometheus.port: expected a whole number from 0 to 65535, found the whole number 99999",
      "14:80: error: unknown key \"hots\" in service.telemetry.metrics.readers[0].pull.exporter.prometheus (did you mean \"host\"?)"
    ),
  ]
}
