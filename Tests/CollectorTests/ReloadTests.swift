@testable import Collector
import Foundation
import Locks
import SelfTelemetry
import Spool
import TestSupport
import Testing

/// One configuration in the place of another, while requests come.
struct ReloadTests {
  private let child = SpanStub(2, parent: 1)
  private let root = SpanStub(1, ["enduser.id": "ann", "user": "ben"])

  /// A configuration of one pipeline into a file. Each argument is what stands behind the component's key.
  private func yaml(
    http: String = "{endpoint: '127.0.0.1:0'}", endUser: String = "{}", file: String = "FOLDER/spans",
    metrics: String = "{level: none}", logs: String = "{}"
  ) -> String {
    """
    receivers: {otlp: {protocols: {http: \(http)}}}
    processors: {enduser: \(endUser), batch: {timeout: 0s}}
    exporters: {file: {path: \(file), format: proto, append: true, flush_interval: 0s}}
    service:
      telemetry: {metrics: \(metrics), logs: \(logs)}
      pipelines: {traces: {receivers: [otlp], processors: [enduser, batch], exporters: [file]}}
    """
  }

  private func send(_ spans: [SpanStub], over client: TestClient) throws -> Int {
    try client.send(
      "POST", "/v1/traces", headers: ["Content-Type: application/x-protobuf"], body: SpanStub.request(spans))
    return try client.receive().status
  }

  private func problems(_ running: RunningCollector) -> [String] {
    running.lines.all.filter { $0.contains("\terror\t") }
  }

  @Test func `an open connection goes on, into pipelines with other keys`() throws {
    let running = try RunningCollector(yaml())
    try running.start()
    let client = try running.client()
    #expect(try send([root, child], over: client) == 200)
    #expect(try running.reload(yaml(endUser: "{id_keys: [user]}", file: "FOLDER/after")) == .running)
    #expect(try send([root, child], over: client) == 200)
    #expect(running.ports("receiving OTLP").count == 1)
    #expect(try send([], over: try running.client()) == 200)
    running.stop()
    #expect(running.spans("spans").compactMap { $0["enduser.id"] } == ["ann", "ann"])
    #expect(Set(running.spans("after").compactMap { $0["user"] }) == ["ben"])
    #expect(running.spans("after").count == 2)
    #expect(problems(running).isEmpty)
  }

  @Test func `requests come all the while, and each is answered and written once`() throws {
    let running = try RunningCollector(yaml())
    try running.start()
    let isOver = Locked(false)
    let statuses = Collected<Int>()
    let clients = try (0..<4).map { _ in try running.client() }
    let senders = clients.enumerated().map { number, client in
      BackgroundThread(name: "sender") { [self] in
        var trace = UInt64(number) << 32
        while !isOver.withLock({ $0 }) {
          trace += 1
          let spans = [SpanStub(trace: trace, 2, parent: 1), SpanStub(trace: trace, 1, ["enduser.id": "ann"])]
          statuses.append((try? send(spans, over: client)) ?? -1)
        }
      }
    }
    for round in 0..<10 {
      let count = statuses.all.count
      #expect(eventually { statuses.all.count > count + 20 })
      #expect(try running.reload(yaml(endUser: round.isMultiple(of: 2) ? "{id_keys: [user]}" : "{}")) == .running)
    }
    isOver.withLock { $0 = true }
    for sender in senders { sender.join() }
    running.stop()
    #expect(statuses.all.allSatisfy { $0 == 200 })
    let spans = running.spans("spans")
    #expect(spans.count == 2 * statuses.all.count)
    #expect(Set(spans.map { [$0.trace, $0.id] }).count == spans.count)
    #expect(problems(running).isEmpty)
  }

  @Test func `without a storage, what waits for its root is released`() throws {
    let running = try RunningCollector(yaml(endUser: "{root_wait: 1h, local_root_wait: 1h}"))
    try running.start()
    try running.send([child])
    try running.reload(yaml())
    #expect(running.spans("spans").map(\.bytes) == [child.bytes])
  }

  @Test func `a receiver with another address is replaced, and one that is gone is closed`() throws {
    let running = try RunningCollector(yaml())
    try running.start()
    let old = try #require(running.ports("receiving OTLP").first)
    let client = try running.client()
    #expect(try send([root], over: client) == 200)
    let new = UInt16(ScriptedHTTPServer.unusedPort())
    #expect(try running.reload(yaml(http: "{endpoint: '127.0.0.1:\(new)'}")) == .running)
    #expect(running.ports("receiving OTLP") == [old, new])
    #expect(throws: ConnectionLost.self) { try TestClient(port: old) }
    #expect(throws: ConnectionLost.self) { _ = try send([root], over: client) }
    try running.send([SpanStub(trace: 2, 1)], to: 1)
    running.stop()
    #expect(running.spans("spans").count == 2)
  }

  @Test func `a receiver with other settings listens on the same port again`() throws {
    let port = ScriptedHTTPServer.unusedPort()
    let running = try RunningCollector(yaml(http: "{endpoint: '127.0.0.1:\(port)'}"))
    try running.start()
    #expect(
      try running.reload(yaml(http: "{endpoint: '127.0.0.1:\(port)', max_request_body_size: 10}")) == .running)
    let client = try running.client()
    #expect(try send([root], over: client) == 413)
    let other = try running.client()
    try other.send("GET", "/v1/traces")
    #expect(try other.receive().status == 405)
    let labels = [("receiver", "otlp"), ("transport", "http")]
    // The first connection ends behind its reply.
    #expect(eventually { running.registry.value("heirloom_receiver_connections", labels: labels) == 1 })
  }

  @Test func `a port in use is told with its place, and nothing changes`() throws {
    let other = ScriptedHTTPServer([.answer(200)])
    defer { other.stop() }
    let port = other.url.split(separator: ":").last!
    let running = try RunningCollector(yaml())
    try running.start()
    let client = try running.client()
    #expect(try send([child], over: client) == 200)
    #expect(try running.reload(yaml(http: "{endpoint: '127.0.0.1:\(port)'}", file: "FOLDER/after")) == .running)
    #expect(try running.reload(yaml(file: "FOLDER/after", metrics: "{address: '127.0.0.1:\(port)'}")) == .running)
    #expect(problems(running).count == 2)
    #expect(
      problems(running).first?.contains(
        "c.yaml:1:49: error: receivers.otlp: cannot listen on 127.0.0.1:\(port): Address already in use") == true)
    #expect(problems(running).last?.contains("c.yaml:5:34: error: service.telemetry.metrics: cannot listen") == true)
    // Nothing was exchanged: the trace still waits.
    #expect(running.spans("spans").isEmpty)
    #expect(try send([root], over: client) == 200)
    #expect(eventually { running.spans("spans").count == 2 })
    #expect(running.spans("spans").allSatisfy { $0["enduser.id"] == "ann" })
  }

  @Test func `a configuration that can't start makes room for the old one again`() throws {
    let running = try RunningCollector(yaml())
    try running.start()
    let client = try running.client()
    #expect(try running.reload(yaml(file: "FOLDER/missing/spans")) == .running)
    let told = try #require(problems(running).first)
    #expect(told.contains("c.yaml:3:13: error: exporters.file: ") && told.contains("missing/spans"))
    #expect(running.lines.all.contains { $0.contains("the configuration from before runs again") })
    #expect(try send([root, child], over: client) == 200)
    running.stop()
    #expect(running.spans("spans").count == 2)
  }

  @Test func `a storage directory is free again when the configuration that wanted it can't start`() throws {
    let running = try RunningCollector(yaml())
    try running.start()
    #expect(try running.reload(yaml(file: "FOLDER/missing/spans"), durability: .buffered) == .running)
    #expect(problems(running).count == 1)
    _ = try DirectoryLock("\(running.folder.path)/spool")
  }

  @Test func `what was closed for a configuration that can't start is opened again`() throws {
    let port = ScriptedHTTPServer.unusedPort()
    let running = try RunningCollector(yaml(http: "{endpoint: '127.0.0.1:\(port)'}"))
    try running.start()
    let next = yaml(http: "{endpoint: '127.0.0.1:\(port)', max_request_body_size: 10}", file: "FOLDER/missing/spans")
    #expect(try running.reload(next) == .running)
    try running.send([root])
    running.stop()
    #expect(running.spans("spans").count == 1)
  }

  @Test func `when nothing can start, requests are refused until something can`() throws {
    let running = try RunningCollector(
      yaml(file: "FOLDER/place/spans").replacing("append", with: "create_directory: true, append"))
    try running.start()
    let client = try running.client()
    let place = running.folder.appending(path: "place")
    let aside = running.folder.appending(path: "aside")
    try FileManager.default.moveItem(at: place, to: aside)
    try Data().write(to: place)
    #expect(try running.reload(yaml(file: "FOLDER/missing/spans")) == .broken)
    #expect(running.collector.mend() == .broken)
    let sending = Locked(0)
    let sender = BackgroundThread(name: "sender") { [self] in
      let status = (try? send([root], over: client)) ?? -1
      sending.withLock { $0 = status }
    }
    sender.join()
    #expect(sending.withLock { $0 } == 503)

    try FileManager.default.removeItem(at: place)
    #expect(running.collector.mend() == .running)
    #expect(try send([root], over: client) == 200)
    running.stop()
    #expect(running.spans("place/spans").count == 1)
  }

  @Test func `counters go on, gauges are those of what runs, and the metrics keep their connections`() throws {
    let metrics = "{readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: 0}}}}]}"
    let running = try RunningCollector(yaml(metrics: metrics))
    try running.start()
    let scraper = try TestClient(port: try #require(running.ports("serving metrics").first))
    try running.send([root])
    let next = yaml(metrics: metrics).replacing("enduser", with: "enduser/b")
    #expect(try running.reload(next) == .running)
    try running.send([SpanStub(trace: 2, 1)])
    try scraper.send("GET", "/metrics")
    let text = try scraper.receive().text
    #expect(text.contains("\notelcol_receiver_accepted_spans{receiver=\"otlp\",transport=\"http\"} 2\n"))
    #expect(text.contains("\nheirloom_waiting_spans{processor=\"enduser/b\",pipeline=\"traces\"} 1\n"))
    #expect(!text.contains("heirloom_waiting_spans{processor=\"enduser\""))
    #expect(text.contains("\nheirloom_traces_resolved{processor=\"enduser\",pipeline=\"traces\",source=\"root\"} 1\n"))
    #expect(text.contains("\notelcol_process_uptime "))
    #expect(running.ports("serving metrics").count == 1)
  }

  @Test func `a bound that was taken away is no metric any more`() throws {
    func yaml(_ queue: String) -> String {
      """
      receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}
      exporters: {otlp_http: {endpoint: 'http://127.0.0.1:1', sending_queue: \(queue)}}
      service:
        telemetry: {metrics: {level: none}}
        pipelines: {traces: {receivers: [otlp], exporters: [otlp_http]}}
      """
    }
    let running = try RunningCollector(yaml("{queue_size: 5}"), durability: .buffered)
    try running.start()
    func value(_ name: String) -> Double? {
      running.registry.value(name, labels: [("data_type", "traces"), ("exporter", "otlp_http")])
    }
    #expect(value("otelcol_exporter_queue_capacity") == 5)
    #expect(try running.reload(yaml("{}")) == .running)
    #expect(value("otelcol_exporter_queue_capacity") == nil)
    #expect(value("otelcol_exporter_queue_size") == 0)
  }

  @Test func `metrics move to another address, or go`() throws {
    func metrics(_ port: Int) -> String { "{address: '127.0.0.1:\(port)'}" }
    let running = try RunningCollector(yaml(metrics: metrics(0)))
    try running.start()
    let port = ScriptedHTTPServer.unusedPort()
    #expect(try running.reload(yaml(metrics: metrics(port))) == .running)
    let ports = running.ports("serving metrics")
    #expect(ports.last == UInt16(port))
    #expect(throws: ConnectionLost.self) { try TestClient(port: ports[0]) }
    _ = try TestClient(port: ports[1])
    #expect(try running.reload(yaml()) == .running)
    #expect(throws: ConnectionLost.self) { try TestClient(port: ports[1]) }
  }

  @Test func `the log changes too`() throws {
    let running = try RunningCollector(yaml())
    try running.start()
    #expect(try running.reload(yaml(logs: "{encoding: json}")) == .running)
    #expect(running.lines.all.last?.hasPrefix("{") == true)
    #expect(try running.reload(yaml(logs: "{level: error}")) == .running)
    let count = running.lines.all.count
    #expect(try running.reload(yaml(logs: "{level: error}")) == .running)
    #expect(running.lines.all.count == count)
  }

  @Test func `the end during a reload is an end`() throws {
    let running = try RunningCollector(yaml())
    try running.start()
    try running.send([child])
    running.collector.prepareToStop()
    #expect(try running.reload(yaml(file: "FOLDER/after")) != .running)
    running.stop()
    #expect(running.spans("spans").count == 1)
    #expect(running.lines.all.last?.contains("stopped") == true)
    #expect(problems(running).isEmpty)
  }
}
