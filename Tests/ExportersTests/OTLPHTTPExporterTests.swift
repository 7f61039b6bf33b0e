import Exporters
import HTTPClient
import Locks
import OTLP
import Pipeline
import SelfTelemetry
import TestSupport
import Testing

private let inAMinute: UInt64 = 60_000_000_000

/// An exporter with retries that come quickly, and what it logs and counts.
private final class Fixture: Sendable {
  let exporter: OTLPExporter
  let registry = MetricRegistry()
  let lines = Collected<String>()

  init(
    _ url: String, signal: Signal = .traces, codecs: OTLPExporter.Codecs? = nil, deadLetters: String? = nil,
    _ configure: (inout OTLPHTTPExporterConfiguration) -> Void = { _ in }
  ) throws {
    var configuration = OTLPHTTPExporterConfiguration()
    configuration.endpoint = url
    configuration.delivery.retryOnFailure.initialInterval = .milliseconds(1)
    configuration.delivery.retryOnFailure.maxInterval = .milliseconds(5)
    configure(&configuration)
    let lines = lines
    exporter = try OTLPExporter(
      id: "otlp_http", signal: signal, configuration: configuration, codecs: codecs ?? Self.plain, version: "1.2",
      deadLetters: deadLetters.map {
        DeadLetterFile(path: $0, maxMebibytes: 1, exporter: "otlp_http", syncs: false, log: Log { _ in })
      }, registry: registry,
      log: Log { lines.append($0) })
    exporter.start()
  }

  static let plain = codecs(compress: nil)

  /// Answers' bodies are a make-believe protobuf: text.
  static func codecs(compress: (@Sendable (EncodedRequest) -> [UInt8])?) -> OTLPExporter.Codecs {
    OTLPExporter.Codecs(
      compress: compress, decodeStatusMessage: { String(decoding: $0, as: UTF8.self) },
      decodePartialSuccess: { $0.isEmpty ? nil : (rejected: 2, message: String(decoding: $0, as: UTF8.self)) })
  }

  func metric(_ name: String) -> Double? {
    registry.value(name, labels: [("exporter", "otlp_http")])
      ?? registry.value(name, labels: [("data_type", "traces"), ("exporter", "otlp_http")])
  }

  func drain(_ patience: UInt64 = inAMinute) { exporter.drain(until: MonotonicClock.now() + patience) }
}

private let protobuf = "Content-Type: application/x-protobuf"

@Suite struct OTLPHTTPExporterTests {
  @Test func `a request arrives byte for byte at the path for traces`() throws {
    let server = ScriptedHTTPServer([.answer(200)])
    defer { server.stop() }
    let fixture = try Fixture(server.url)
    let request = SampleRequest.make(spans: 20, padding: 100, segmentLength: 33)
    #expect(fixture.exporter.export(request))
    fixture.drain()

    let received = try #require(server.requests.all.first)
    #expect(received.target == "/v1/traces")
    #expect(received.body == request.bytes)
    #expect(received.header("content-type") == "application/x-protobuf")
    #expect(received.header("content-encoding") == nil)
    #expect(received.header("content-length") == String(request.byteCount))
    #expect(received.header("user-agent") == "heirloom/1.2")
    #expect(fixture.metric("otelcol_exporter_sent_spans") == 20)
  }

  @Test(arguments: [Signal.logs, .metrics], [false, true])
  func `each signal has a path, or an endpoint of its own, and its own counters`(
    signal: Signal, hasEndpoint: Bool
  ) throws {
    let server = ScriptedHTTPServer([.answer(200)])
    defer { server.stop() }
    let fixture = try Fixture(server.url, signal: signal) {
      if hasEndpoint { $0.signalEndpoints[signal] = server.url + "/elsewhere" }
    }
    let bytes = SampleRequest.bytes(spans: 1)
    #expect(
      fixture.exporter.export(bytes.withUnsafeBytes { EncodedRequest(copying: $0, signal: signal, itemCount: 3) }))
    fixture.drain()
    #expect(server.requests.all.map(\.target) == [hasEndpoint ? "/elsewhere" : "/v1/\(signal.name)"])
    #expect(fixture.metric("otelcol_exporter_sent_\(signal.itemsKey)") == 3)
  }

  @Test func `a compressed body says so`() throws {
    let server = ScriptedHTTPServer([.answer(503), .answer(200)])
    defer { server.stop() }
    let fixture = try Fixture(server.url + "/", codecs: Fixture.codecs { Array("packed".utf8) + $0.bytes.prefix(3) })
    let request = SampleRequest.make(spans: 7)
    #expect(fixture.exporter.export(request))
    for received in server.requests.wait(count: 2) {
      #expect(received.target == "/v1/traces")
      #expect(received.header("content-encoding") == "gzip")
      #expect(received.body == Array("packed".utf8) + request.bytes.prefix(3))
    }
    fixture.drain()
    #expect(fixture.metric("otelcol_exporter_sent_spans") == 7)
  }

  @Test func `configured headers are sent and win, and a URL for traces is taken as it is`() throws {
    let server = ScriptedHTTPServer([.answer(200)])
    defer { server.stop() }
    let url = server.url + "/ingest?project=1"
    let fixture = try Fixture("http://unused.invalid") {
      $0.signalEndpoints[.traces] = url
      $0.headers = [("x-api-key", "k"), ("content-type", "application/custom")]
    }
    #expect(fixture.exporter.export(SampleRequest.make()))
    fixture.drain()
    let received = try #require(server.requests.all.first)
    #expect(received.target == "/ingest?project=1")
    #expect(received.header("x-api-key") == "k")
    #expect(received.headers.filter { $0.name == "content-type" }.map(\.value) == ["application/custom"])
  }

  @Test(arguments: [
    ScriptedHTTPServer.Reply.answer(429, headers: ["Retry-After: 0"]), .answer(502), .answer(503), .answer(504),
    .closeWithoutAnswer, .breakWithinBody(200),
  ])
  func `what may succeed later is sent again, the same bytes`(reply: ScriptedHTTPServer.Reply) throws {
    let server = ScriptedHTTPServer([reply, reply, .answer(200)])
    defer { server.stop() }
    let fixture = try Fixture(server.url)
    let request = SampleRequest.make(spans: 3)
    #expect(fixture.exporter.export(request))
    #expect(server.requests.wait(count: 3).map(\.body) == Array(repeating: request.bytes, count: 3))
    fixture.drain()
    #expect(fixture.metric("otelcol_exporter_sent_spans") == 3)
    #expect(fixture.metric("otelcol_exporter_send_failed_spans") == 0)
  }

  @Test func `what the server refuses is dropped with the server's words`() throws {
    let server = ScriptedHTTPServer([
      .answer(404, headers: [protobuf], body: Array("no traces here".utf8)), .answer(200),
    ])
    defer { server.stop() }
    let fixture = try Fixture(server.url) { $0.delivery.sendingQueue.numConsumers = 1 }
    #expect(fixture.exporter.export(SampleRequest.make(spans: 4)))
    #expect(fixture.exporter.export(SampleRequest.make(spans: 5)))
    fixture.drain()
    #expect(server.requests.all.count == 2)
    #expect(fixture.metric("otelcol_exporter_send_failed_spans") == 4)
    #expect(fixture.metric("otelcol_exporter_sent_spans") == 5)
    #expect(fixture.lines.all.contains { $0.contains("HTTP 404: no traces here") })
  }

  /// A server that refuses every request with a span of one name in it, with this status.
  private func server(refusing name: String, status: Int) -> ScriptedHTTPServer {
    ScriptedHTTPServer { _, request in
      DecodedSpan.all(inRequest: request.body).contains { $0.name == name }
        ? .answer(status, headers: [protobuf], body: Array("\(name) is broken".utf8)) : .answer(200)
    }
  }

  @Test(arguments: [400, 413, 422]) func `a span that the server refuses costs its neighbours nothing`(status: Int)
    throws
  {
    let server = server(refusing: "span-33", status: status)
    defer { server.stop() }
    let fixture = try Fixture(server.url)
    let watched = WatchedRequest(SampleRequest.make(spans: 100), destinations: 2)
    #expect(fixture.exporter.export(watched.request))
    fixture.drain()
    #expect(fixture.metric("otelcol_exporter_sent_spans") == 99)
    #expect(fixture.metric("otelcol_exporter_send_failed_spans") == 1)
    #expect(fixture.metric("heirloom_exporter_dead_letter_spans") == 0)
    #expect(fixture.lines.all.contains { $0.contains("dropped") && $0.contains("HTTP \(status): span-33 is broken") })
    #expect(watched.wasSettledOnce())
  }

  @Test func `what the server refuses is among the dead letters, as it would be sent`() throws {
    let server = server(refusing: "span-7", status: 400)
    defer { server.stop() }
    let files = try FileFixture()
    let fixture = try Fixture(
      server.url, codecs: Fixture.plain, deadLetters: files.directory + "/new/letters.jsonl")
    #expect(fixture.exporter.export(SampleRequest.make(spans: 10)))
    fixture.drain()
    #expect(fixture.metric("otelcol_exporter_sent_spans") == 9)
    #expect(fixture.metric("otelcol_exporter_send_failed_spans") == 1)
    #expect(fixture.metric("heirloom_exporter_dead_letter_spans") == 1)
    let text = try files.text(files.directory + "/new/letters.jsonl")
    #expect(text.contains("\"reason\":\"HTTP 400: span-7 is broken\",\"status\":400,\"spans\":1"))
    #expect(text.contains("\"name\":\"span-7\"") && !text.contains("span-6"))
  }

  @Test(arguments: [401, 403]) func `data is held while the server does not take the credentials`(status: Int) throws {
    let server = ScriptedHTTPServer { number, _ in .answer(number < 3 ? status : 200) }
    defer { server.stop() }
    let fixture = try Fixture(server.url)
    #expect(fixture.exporter.export(SampleRequest.make(spans: 3)))
    #expect(eventually { fixture.metric("otelcol_exporter_sent_spans") == 3 })
    #expect(fixture.metric("otelcol_exporter_send_failed_spans") == 0)
    #expect(fixture.lines.all.contains { $0.contains("HTTP \(status)") && $0.contains("held") })
    #expect(server.requests.all.count == 4)
    fixture.drain()
  }

  @Test func `spans that the server left out are counted and told`() throws {
    let server = ScriptedHTTPServer([.answer(200, headers: [protobuf], body: Array("two were bad".utf8))])
    defer { server.stop() }
    let fixture = try Fixture(server.url)
    #expect(fixture.exporter.export(SampleRequest.make(spans: 10)))
    fixture.drain()
    #expect(fixture.metric("otelcol_exporter_sent_spans") == 8)
    #expect(fixture.metric("heirloom_exporter_rejected_spans") == 2)
    #expect(fixture.lines.all.contains { $0.contains("two were bad") && $0.contains("spans=2") })
  }

  @Test func `what an exporter would refuse is found without making one`() throws {
    func message(_ change: (inout OTLPHTTPExporterConfiguration) -> Void) -> String? {
      var configuration = OTLPHTTPExporterConfiguration()
      configuration.endpoint = "https://127.0.0.1:1"
      change(&configuration)
      do { try configuration.checkURL(of: .traces); try configuration.checkRest() } catch { return "\(error)" }
      return nil
    }
    #expect(message { _ in } == nil)
    #expect(message { $0.endpoint = nil }?.contains("neither endpoint nor traces_endpoint") == true)
    // With the path for traces it would have a host.
    for endpoint in ["http://", "https://", "http:///"] {
      #expect(message { $0.endpoint = endpoint }?.contains("\"\(endpoint)\"") == true)
    }
    #expect(message { $0.signalEndpoints[.traces] = "http://host:99999" }?.contains("99999") == true)
    #expect(message { $0.tls.caFile = "/no/such/file" }?.contains("/no/such/file") == true)
    #expect(message { $0.headers = [("X-Key", "a\nb")] }?.contains("X-Key") == true)
    #expect(message { $0.proxyURL = "a proxy" }?.contains("proxy_url") == true)
  }

  @Test(arguments: [(Int.max, 4), (Int.min, 0)])
  func `a server cannot leave out more than it was sent`(claimed: Int, counted: Int) throws {
    let answer = ScriptedHTTPServer.Reply.answer(200, headers: [protobuf], body: [1])
    let server = ScriptedHTTPServer([answer, answer, answer])
    defer { server.stop() }
    let codecs = OTLPExporter.Codecs(
      compress: nil, decodeStatusMessage: { _ in nil }, decodePartialSuccess: { _ in (rejected: claimed, message: "") })
    let fixture = try Fixture(server.url, codecs: codecs)
    for _ in 0..<3 { #expect(fixture.exporter.export(SampleRequest.make(spans: 4))) }
    fixture.drain()
    #expect(fixture.metric("heirloom_exporter_rejected_spans") == Double(3 * counted))
    #expect(fixture.lines.all.contains { $0.contains("left spans out") && $0.contains("spans=\(counted)") })
  }

  @Test func `a server that comes later gets everything`() throws {
    let port = ScriptedHTTPServer.unusedPort()
    let fixture = try Fixture("http://127.0.0.1:\(port)")
    for _ in 0..<3 { #expect(fixture.exporter.export(SampleRequest.make(spans: 2))) }
    #expect(fixture.lines.wait(count: 1)[0].contains("Failed to connect"))

    let server = ScriptedHTTPServer(port: port, [.answer(200)])
    defer { server.stop() }
    #expect(server.requests.wait(count: 3).count == 3)
    fixture.drain()
    #expect(fixture.metric("otelcol_exporter_sent_spans") == 6)
    #expect(fixture.lines.all.contains { $0.contains("works again") })
  }

  @Test func `an attempt without an answer is ended and repeated`() throws {
    let server = ScriptedHTTPServer([.answerAfter(ScriptedHTTPServer.Gate(), 200), .answer(200)])
    defer { server.stop() }
    let fixture = try Fixture(server.url) { $0.timeout = .milliseconds(50) }
    #expect(fixture.exporter.export(SampleRequest.make()))
    #expect(eventually { fixture.metric("otelcol_exporter_sent_spans") == 1 })
    #expect(server.requests.all.count >= 2)
    fixture.drain()
  }

  @Test func `an exporter whose server hangs fills up alone`() throws {
    let gate = ScriptedHTTPServer.Gate()
    let slowServer = ScriptedHTTPServer([.answerAfter(gate, 200)])
    let server = ScriptedHTTPServer([.answer(200)])
    defer {
      slowServer.stop()
      server.stop()
    }
    let slow = try Fixture(slowServer.url) { $0.delivery.sendingQueue.queueSize = 5 }
    let other = try Fixture(server.url)
    var refused = 0
    for _ in 0..<50 {
      let request = SampleRequest.make()
      if !slow.exporter.export(request) { refused += 1 }
      #expect(other.exporter.export(request))
    }
    other.drain()
    #expect(other.metric("otelcol_exporter_sent_spans") == 50)
    #expect(refused == 45)
    #expect(slow.exporter.isFull)
    #expect(slow.metric("otelcol_exporter_enqueue_failed_spans") == 45)
    gate.open()
    slow.drain()
    #expect(slow.metric("otelcol_exporter_sent_spans") == 5)
  }

  @Test func `a batch on the wire is one request with the spans of all`() throws {
    let server = ScriptedHTTPServer([.answer(200)])
    defer { server.stop() }
    let fixture = try Fixture(server.url) {
      $0.delivery.sendingQueue.batch = BatchConfiguration()
      $0.delivery.sendingQueue.batch?.minSize = 1000
      $0.delivery.sendingQueue.batch?.flushTimeout = .seconds(1000)
    }
    let requests = (1...10).map { SampleRequest.make(name: "r\($0)", spans: $0, segmentLength: 20) }
    for request in requests { #expect(fixture.exporter.export(request)) }
    fixture.drain()

    #expect(server.requests.all.map(\.body) == [requests.flatMap(\.bytes)])
    let counts = try server.requests.all.map { try spanCount($0.body) }
    #expect(counts == [55])
  }

  @Test func `a batch that is too large is cut on the wire`() throws {
    let server = ScriptedHTTPServer([.answer(200)])
    defer { server.stop() }
    let fixture = try Fixture(server.url) {
      $0.delivery.sendingQueue.batch = BatchConfiguration()
      $0.delivery.sendingQueue.batch?.maxSize = 10
    }
    #expect(fixture.exporter.export(SampleRequest.make(spans: 35)))
    fixture.drain()
    let counts = try server.requests.all.map { try spanCount($0.body) }
    #expect(counts.sorted() == [5, 10, 10, 10])
    #expect(fixture.metric("otelcol_exporter_sent_spans") == 35)
  }

  @Test func `a drain delivers everything that was accepted`() throws {
    let server = ScriptedHTTPServer { number, _ in number % 4 == 0 ? .answer(503) : .answer(200) }
    defer { server.stop() }
    let fixture = try Fixture(server.url) {
      $0.delivery.retryOnFailure.initialInterval = .seconds(1000)
      $0.delivery.retryOnFailure.maxInterval = .seconds(1000)
      $0.delivery.retryOnFailure.maxElapsedTime = .zero
      $0.delivery.sendingQueue.numConsumers = 1
    }
    for _ in 0..<3 { #expect(fixture.exporter.export(SampleRequest.make())) }
    _ = server.requests.wait(count: 3)
    fixture.drain()
    #expect(fixture.metric("otelcol_exporter_sent_spans") == 3)
    #expect(!fixture.exporter.export(SampleRequest.make()))
  }

  @Test func `a drain gives up at its deadline`() throws {
    let server = ScriptedHTTPServer([.answerAfter(ScriptedHTTPServer.Gate(), 200)])
    defer { server.stop() }
    let fixture = try Fixture(server.url) { $0.delivery.sendingQueue.numConsumers = 2 }
    for _ in 0..<5 { #expect(fixture.exporter.export(SampleRequest.make(spans: 2))) }
    _ = server.requests.wait(count: 2)
    fixture.drain(10_000_000)
    #expect(fixture.metric("otelcol_exporter_send_failed_spans") == 10)
    #expect(fixture.lines.all.last?.contains("requests=5\tspans=10") == true)
  }

  @Test(arguments: ["", "localhost:4318", "ftp://host"])
  func `an endpoint that cannot be is said before anything starts`(endpoint: String) {
    #expect(throws: HTTPClientError.self) { try Fixture(endpoint) }
  }

  @Test func `a header that cannot be is said before anything starts`() {
    #expect(throws: HTTPClientError.self) {
      try Fixture("http://localhost") { $0.headers = [("x-key", "a\nb")] }
    }
  }

  private func spanCount(_ request: [UInt8]) throws -> Int {
    try request.withUnsafeBytes { try count($0, path: [1, 2, 2][...]) }
  }

  private func count(_ message: UnsafeRawBufferPointer, path: ArraySlice<Int>) throws -> Int {
    guard let number = path.first else { return 1 }
    var total = 0
    var reader = WireReader(message)
    while let field = try reader.next() {
      if field.number == number, let bytes = field.bytes { total += try count(bytes, path: path.dropFirst()) }
    }
    return total
  }
}
