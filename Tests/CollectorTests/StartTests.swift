@testable import Collector
import Configuration
import Foundation
import TestSupport
import Testing

/// What keeps a collector from running.
struct StartTests {
  /// The numbers of the lines are those of the messages.
  private func yaml(endpoint: String = "127.0.0.1:0", metrics: String = "level: none", file: String = "FOLDER/a")
    -> String
  {
    """
    receivers:
      otlp:
        protocols:
          http:
            endpoint: \(endpoint)
    exporters:
      file:
        path: \(file)
    service:
      telemetry:
        metrics:
          \(metrics)
      pipelines:
        traces: {receivers: [otlp], exporters: [file]}
    """
  }

  private func diagnostic(_ action: () throws -> Void) -> String? {
    do {
      try action()
      return nil
    } catch {
      return (error as? Diagnostic)?.description
    }
  }

  @Test func `a port in use is told with the place of the endpoint, before anything starts`() throws {
    let first = try RunningCollector(yaml())
    try first.start()
    let port = try #require(first.ports("receiving OTLP").first)
    #expect(
      diagnostic { _ = try RunningCollector(yaml(endpoint: "127.0.0.1:\(port)")) }
        == "c.yaml:5:19: error: receivers.otlp: cannot listen on 127.0.0.1:\(port): Address already in use")
    #expect(
      diagnostic { _ = try RunningCollector(yaml(metrics: "address: 127.0.0.1:\(port)")) }
        == "c.yaml:12:16: error: service.telemetry.metrics: cannot listen on 127.0.0.1:\(port): Address already in use")
    let reader = "readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: \(port)}}}}]"
    #expect(
      diagnostic { _ = try RunningCollector(yaml(metrics: reader)) }
        == "c.yaml:12:36: error: service.telemetry.metrics: cannot listen on 127.0.0.1:\(port): Address already in use")
  }

  @Test func `a host that is not ours is told with the place of the endpoint`() throws {
    let message = try #require(diagnostic { _ = try RunningCollector(yaml(endpoint: "203.0.113.7:4318")) })
    #expect(message.hasPrefix("c.yaml:5:19: error: receivers.otlp: cannot listen on 203.0.113.7:4318: "))
  }

  @Test func `an exporter that can't start is told with its place, and nothing stays behind`() throws {
    let port = ScriptedHTTPServer.unusedPort()
    let running = try RunningCollector(yaml(endpoint: "127.0.0.1:\(port)", file: "FOLDER/missing/a"))
    let message = try #require(diagnostic { try running.start() })
    #expect(message.hasPrefix("c.yaml:7:3: error: exporters.file: "))
    #expect(message.contains("missing/a"))
    #expect(throws: ConnectionLost.self) { try TestClient(port: UInt16(port)) }
    #expect(running.lines.all.isEmpty)
  }

  @Test func `what no pipeline uses is not built`() throws {
    let yaml = yaml().replacing("exporters:\n", with: "exporters:\n  file/unused: {path: FOLDER/missing/b}\n")
      .replacing("receivers:\n", with: "receivers:\n  otlp/unused: {protocols: {http: {endpoint: '203.0.113.7:1'}}}\n")
    let running = try RunningCollector(yaml)
    try running.start()
    #expect(running.ports("receiving OTLP").count == 1)
    #expect(!FileManager.default.fileExists(atPath: running.folder.appending(path: "missing").path))
  }
}
