@testable import Collector
import Compression
import Configuration
import Foundation
import SelfTelemetry
import TestSupport
import Testing

/// The whole collector, from its sockets to its files.
struct CollectorTests {
  private static let receiver = "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}"
  /// Nothing waits for anything but what the test is about.
  private static let atOnce = "flush_interval: 0s"
  private static let noMetrics = "telemetry: {metrics: {level: none}}"

  private let child = SpanStub(2, parent: 1, ["step": "search"])
  private let root = SpanStub(1, ["enduser.id": "ann"])

  @Test func `what comes in over HTTP goes to a file and to a server, with the root's end user`() throws {
    let upstream = ScriptedHTTPServer([.answer(200)])
    defer { upstream.stop() }
    let running = try RunningCollector(
      """
      \(Self.receiver)
      processors: {enduser: {log_traces: true}, batch: {timeout: 0s}}
      exporters:
        file: {path: FOLDER/spans, format: proto, \(Self.atOnce)}
        otlp_http: {endpoint: "\(upstream.url)", headers: {x-key: k}}
      service:
        \(Self.noMetrics)
        pipelines: {traces: {receivers: [otlp], processors: [enduser, batch], exporters: [file, otlp_http]}}
      """)
    try running.start()
    try running.send([child])
    try running.send([root])

    #expect(eventually { running.spans("spans").count == 2 })
    let request = try #require(upstream.requests.wait(count: 1).first)
    #expect(request.target == "/v1/traces")
    #expect(request.header("content-encoding") == "gzip")
    #expect(request.header("x-key") == "k")
    #expect(request.header("user-agent") == "heirloom/\(Version.number)")
    for spans in [running.spans("spans"), DecodedSpan.all(inRequest: try inflate(request.body))] {
      #expect(Set(spans.map(\.id)) == [1, 2])
      #expect(spans.allSatisfy { $0["enduser.id"] == "ann" })
      #expect(spans.first { $0.id == 1 }?.bytes == root.bytes)
      #expect(spans.first { $0.id == 2 }?["step"] == "search")
    }
    let told = try #require(running.lines.all.first { $0.contains("trace resolved") })
    #expect(told.contains("\tend_user=ann\t") && told.contains("\tspans=2\t"))
    running.stop()
  }

  private func inflate(_ body: [UInt8]) throws -> [UInt8] {
    var memory = [UInt8](repeating: 0, count: 1 << 20)
    let count = try memory.withUnsafeMutableBytes { memory in
      try body.withUnsafeBytes { try Inflate.gzip($0, limit: 1 << 20) { _ in memory } }
    }
    return Array(memory.prefix(count))
  }

  @Test func `a file of lines has one JSON object in each, and a compressed one frames of zstd`() throws {
    let running = try RunningCollector(
      """
      \(Self.receiver)
      processors: {batch: {timeout: 0s}}
      exporters:
        file/json: {path: FOLDER/deep/spans.jsonl, create_directory: true}
        file/zstd: {path: FOLDER/spans.zst, compression: zstd}
      service:
        \(Self.noMetrics)
        pipelines: {traces: {receivers: [otlp], processors: [batch], exporters: [file/json, file/zstd]}}
      """)
    try running.start()
    try running.send([child])
    try running.send([root])
    running.stop()
    let text = try String(contentsOf: running.folder.appending(path: "deep/spans.jsonl"), encoding: .utf8)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count == 3 && lines[2] == "")
    for (line, id) in zip(lines, ["0000000000000002", "0000000000000001"]) {
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      #expect(object?.keys.sorted() == ["resourceSpans"])
      #expect(line.contains("\"spanId\":\"\(id)\""))
    }
    let compressed = try Data(contentsOf: running.folder.appending(path: "spans.zst"))
    #expect(Array(compressed[4..<8]) == [0x28, 0xB5, 0x2F, 0xFD])
  }

  @Test func `two pipelines share a receiver and an exporter, and one of them leaves spans alone`() throws {
    let running = try RunningCollector(
      """
      \(Self.receiver)
      processors: {enduser: , batch: {timeout: 0s}}
      exporters:
        file/named: {path: FOLDER/named, format: proto, \(Self.atOnce)}
        file/plain: {path: FOLDER/plain, format: proto, \(Self.atOnce)}
        file/both: {path: FOLDER/both, format: proto, \(Self.atOnce)}
      service:
        \(Self.noMetrics)
        pipelines:
          traces: {receivers: [otlp], processors: [enduser, batch], exporters: [file/named, file/both]}
          traces/plain: {receivers: [otlp], processors: [batch], exporters: [file/plain, file/both]}
      """)
    try running.start()
    #expect(running.ports("receiving OTLP").count == 1)
    try running.send([child])
    #expect(eventually { running.spans("plain").count == 1 })
    #expect(running.spans("named").isEmpty)
    try running.send([root])
    running.stop()
    #expect(running.spans("plain").map(\.bytes) == [child.bytes, root.bytes])
    #expect(running.spans("named").count == 2)
    #expect(running.spans("named").allSatisfy { $0["enduser.id"] == "ann" })
    let both = running.spans("both")
    #expect(both.count == 4)
    #expect(both.count { $0.id == 2 && $0["enduser.id"] == "ann" } == 1)
    #expect(both.count { $0.bytes == child.bytes } == 1)
  }

  @Test func `two receivers bring the spans of one trace`() throws {
    let running = try RunningCollector(
      """
      receivers:
        otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}
        otlp/b: {protocols: {http: {endpoint: "127.0.0.1:0"}}}
      processors: {enduser: }
      exporters: {file: {path: FOLDER/spans, format: proto}}
      service:
        \(Self.noMetrics)
        pipelines: {traces: {receivers: [otlp, otlp/b], processors: [enduser], exporters: [file]}}
      """)
    try running.start()
    try running.send([child], to: 0)
    try running.send([root], to: 1)
    running.stop()
    #expect(running.spans("spans").allSatisfy { $0["enduser.id"] == "ann" })
    #expect(running.spans("spans").count == 2)
    for id in ["otlp", "otlp/b"] {
      let labels = [("receiver", id), ("transport", "http")].map { (name: $0.0, value: $0.1) }
      #expect(running.registry.value("otelcol_receiver_accepted_spans", labels: labels) == 1)
    }
  }

  @Test func `stopping releases what waits for its root, and drains batches and queues`() throws {
    let upstream = ScriptedHTTPServer([.answer(200)])
    defer { upstream.stop() }
    let running = try RunningCollector(
      """
      \(Self.receiver)
      processors: {enduser: {root_wait: 1h}, batch: {timeout: 1h}}
      exporters:
        file: {path: FOLDER/spans, format: proto, flush_interval: 1h}
        otlp_http: {endpoint: "\(upstream.url)", compression: none, sending_queue: {batch: {flush_timeout: 1h}}}
      service:
        \(Self.noMetrics)
        pipelines: {traces: {receivers: [otlp], processors: [enduser, batch], exporters: [file, otlp_http]}}
      """)
    try running.start()
    try running.send([child, SpanStub(trace: 2, 1, ["enduser.id": "ben"]), SpanStub(trace: 2, 2, parent: 1)])
    #expect(upstream.requests.all.isEmpty)
    running.stop()
    #expect(upstream.requests.all.count == 1)
    for spans in [running.spans("spans"), upstream.requests.all.flatMap { DecodedSpan.all(inRequest: $0.body) }] {
      #expect(spans.count == 3)
      #expect(spans.filter { $0.trace == 2 }.allSatisfy { $0["enduser.id"] == "ben" })
      #expect(spans.first { $0.trace == 1 }?.bytes == child.bytes)
    }
    #expect(running.lines.all.last?.contains("stopped") == true)
    #expect(throws: ConnectionLost.self) { try running.client() }
  }

  @Test func `a process that is too large refuses requests`() throws {
    let running = try RunningCollector(
      """
      \(Self.receiver)
      processors: {memory_limiter: {check_interval: 1ms, limit_mib: 2}, enduser: }
      exporters: {file: {path: FOLDER/spans, format: proto}}
      service:
        \(Self.noMetrics)
        pipelines: {traces: {receivers: [otlp], processors: [memory_limiter, enduser], exporters: [file]}}
      """)
    try running.start()
    let client = try running.client()
    let isRefused = try eventually {
      try client.send(
        "POST", "/v1/traces", headers: ["Content-Type: application/x-protobuf"], body: SpanStub.request([root]))
      let reply = try client.receive()
      return reply.status == 503 && reply.headers["retry-after"] == "1"
    }
    #expect(isRefused)
    #expect(eventually { running.lines.all.contains { $0.contains("above the soft limit") } })
  }

  @Test func `metrics are served to whoever asks the right way`() throws {
    let running = try RunningCollector(
      """
      \(Self.receiver)
      processors: {enduser/x: }
      exporters: {file: {path: FOLDER/spans}}
      service:
        telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: 0}}}}]}}
        pipelines: {traces: {receivers: [otlp], processors: [enduser/x], exporters: [file]}}
      """)
    try running.start()
    try running.send([root, child])
    let client = try TestClient(port: try #require(running.ports("serving metrics").first))
    try client.send("GET", "/metrics")
    let reply = try client.receive()
    #expect(reply.status == 200)
    #expect(reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
    let text = reply.text
    for line in [
      "otelcol_receiver_accepted_spans{receiver=\"otlp\",transport=\"http\"} 2",
      "heirloom_traces_resolved{processor=\"enduser/x\",pipeline=\"traces\",source=\"root\"} 1",
      "# TYPE otelcol_process_uptime gauge",
      "heirloom_waiting_spans{processor=\"enduser/x\",pipeline=\"traces\"} 0",
    ] { #expect(text.contains("\n\(line)\n")) }
    for name in ["otelcol_process_uptime", "otelcol_process_memory_rss", "otelcol_process_cpu_seconds"] {
      #expect(running.registry.value(name) ?? 0 > 0)
    }

    try client.send("HEAD", "/metrics")
    #expect(try client.receive(toHead: true).status == 200)
    try client.send("GET", "/")
    #expect(try client.receive().status == 404)
    try client.send("POST", "/metrics", body: [])
    let wrong = try client.receive()
    #expect(wrong.status == 405)
    #expect(wrong.headers["allow"] == "GET, HEAD")
    try client.send("GET", "/metrics", body: [1])
    #expect(try client.receive().status == 413)
  }
}
