import OTLP
import Rewriting
import Testing

@testable import Collector

/// What an exporter changes, as its keys say it.
struct RewritingConfigTests {
  @Test(arguments: [
    ("otlp_http", "endpoint: 'http://a', "), ("otlp_grpc", "endpoint: 'a:1', "), ("file", "path: a, "), ("debug", ""),
  ])
  func `every exporter has the keys`(type: String, others: String) throws {
    let reading = Reading.pipeline(
      exporter: (type, "{\(others)identity_as: [langfuse, otel, langfuse], identity_max_metadata_keys: 7}"))
    #expect(reading.messages == [])
    let rewriting = try #require(reading.config.exporters.values.first).value.rewriting
    #expect(rewriting.identityAs == [.langfuse, .otel])
    #expect(rewriting.maxMetadataKeys == 7)
    #expect(!rewriting.rewritings(for: [.traces]).isEmpty)
    #expect(rewriting.rewritings(for: [.metrics]).isEmpty)
  }

  @Test func `nothing changes unless it is asked for`() throws {
    let rewriting = try #require(Reading.pipeline().config.exporters.values.first).value.rewriting
    #expect(rewriting == RewritingConfiguration())
    #expect(rewriting.rewritings(for: [.traces, .logs, .metrics]).isEmpty)
  }

  @Test func `a convention that nobody knows`() {
    #expect(
      Reading.pipeline(exporter: ("debug", "{identity_as: [otel, langfsue]}")).messages == [
        "c.yaml:3:41: error: exporters.debug.identity_as: unknown convention \"langfsue\"; there are neatlogs, langfuse, openinference, otel, traceloop, langsmith, langwatch, braintrust, vercel, posthog"
      ])
  }

  private func pipelines(_ pipelines: String) -> [String] {
    Reading(
      """
      receivers: {otlp: {protocols: {http: {}}}}
      processors: {enduser: {}}
      exporters: {debug: {identity_as: otel}, debug/plain: {}}
      service:
        pipelines:
          \(pipelines)
      """
    ).messages
  }

  @Test func `an exporter that no identity can reach`() {
    #expect(
      pipelines("traces: {receivers: [otlp], exporters: [debug]}") == [
        "c.yaml:3:13: error: exporters.debug.identity_as: no pipeline of traces or logs brings identities to it: none has an enduser processor"
      ])
    #expect(
      pipelines("metrics: {receivers: [otlp], exporters: [debug]}") == [
        "c.yaml:3:13: error: exporters.debug.identity_as: no pipeline of traces or logs brings identities to it: none has an enduser processor"
      ])
  }

  @Test func `a pipeline that brings none`() {
    let traces = "traces: {receivers: [otlp], processors: [enduser], exporters: [debug]}"
    #expect(
      pipelines("\(traces)\n    logs: {receivers: [otlp], exporters: [debug]}") == [
        "c.yaml:7:5: warning: service.pipelines.logs: without an enduser processor, exporters.debug.identity_as has no effect on it"
      ])
    #expect(pipelines("\(traces)\n    metrics: {receivers: [otlp], exporters: [debug]}") == [])
  }
}
