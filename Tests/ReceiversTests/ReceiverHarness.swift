import Compression
import Facts
import HTTPServer
import OTLP
import Pipeline
@testable import Receivers
import SelfTelemetry
import TestSupport

/// A receiver's handler behind a server on the loopback interface, and the pipeline that a test plays.
struct ReceiverHarness {
  let consumer: StubConsumer
  let registry = MetricRegistry()
  let handler: OTLPHTTPHandler
  let server: HTTPServer

  init(
    _ consumer: StubConsumer, scores: (any ScoresConsumer)? = nil, _ configuration: OTLPReceiver.Configuration,
    _ duties: Doorkeeper.Duties, maxBodyBytes: Int, timeouts: HTTPTimeouts
  ) throws {
    self.consumer = consumer
    let doorkeeper = Doorkeeper()
    doorkeeper.take(duties)
    handler = OTLPHTTPHandler(
      configuration, interner: ScopeInterner(), intake: Intake(into: consumer, scores: scores), doorkeeper: doorkeeper,
      metrics: ReceiverMetrics(registry: registry, receiver: "otlp/a", transport: "http"))
    server = try HTTPServer(
      configuration: HTTPServerConfiguration(workers: 2, timeouts: timeouts, maxBodyBytes: maxBodyBytes),
      handler: handler)
  }

  func client() throws -> TestClient { try TestClient(port: server.port) }

  /// One of the receiver's counters.
  func metric(_ name: String) -> Int {
    Int(registry.value(name, labels: [("receiver", "otlp/a"), ("transport", "http")]) ?? -1)
  }

  var acceptedSpans: Int { metric("otelcol_receiver_accepted_spans") }
  var refusedSpans: Int { metric("otelcol_receiver_refused_spans") }
  var requests: Int { metric("otelcol_receiver_requests") }
  var refusedRequests: Int { metric("heirloom_receiver_refused_requests") }

  /// Connections that were ended for that reason.
  func closedConnections(_ reason: String) -> Int {
    let labels = [("receiver", "otlp/a"), ("transport", "http"), ("reason", reason)]
    return Int(registry.value("heirloom_receiver_closed_connections", labels: labels) ?? -1)
  }
}

extension Intake {
  /// One that is open.
  convenience init(into consumer: any TracesConsumer, scores: (any ScoresConsumer)? = nil) {
    self.init()
    open(Target(rules: SpanRules(), consumers: [.traces: consumer], scores: scores))
  }
}

/// Runs a receiver for the time of a test.
func withReceiver(
  _ consumer: StubConsumer = StubConsumer(), scores: (any ScoresConsumer)? = nil, limit: Int = 1 << 20,
  path: String = "/v1/traces",
  maxBodyBytes: Int = 512 << 20, timeouts: HTTPTimeouts = HTTPTimeouts(),
  duties: Doorkeeper.Duties = Doorkeeper.Duties(), configure: (inout OTLPReceiver.Configuration) -> Void = { _ in },
  _ test: (ReceiverHarness) throws -> Void
) throws {
  var configuration = OTLPReceiver.Configuration()
  configuration.maxRequestBodySize = limit
  configuration.tracesURLPath = path
  configure(&configuration)
  let harness = try ReceiverHarness(
    consumer, scores: scores, configuration, duties, maxBodyBytes: maxBodyBytes, timeouts: timeouts)
  try harness.server.start()
  defer { harness.server.stop(timeout: .zero) }
  try test(harness)
}

let protobuf = "Content-Type: application/x-protobuf"

extension TestClient {
  /// Sends a trace request as a well-behaved SDK does.
  func sendTraces(_ body: [UInt8], headers: [String] = []) throws {
    try send("POST", "/v1/traces", headers: [protobuf] + headers, body: body)
  }

  /// The same, with its reply.
  func exchange(_ body: [UInt8], headers: [String] = []) throws -> Reply {
    try sendTraces(body, headers: headers)
    return try receive()
  }
}

/// A `google.rpc.Status` as a simple reader finds it.
struct ReadStatus: Equatable {
  var code = 0
  var message = ""

  /// Nil when the bytes are none.
  init?(_ bytes: [UInt8]) {
    guard let fields = DecodedField.all(bytes) else { return nil }
    for field in fields {
      switch (field.number, field.wire) {
      case (1, 0): code = Int(field.value)
      case (2, 2): message = String(decoding: field.bytes, as: UTF8.self)
      default: return nil
      }
    }
  }
}

/// The partial success of a reply as a simple reader finds it.
struct ReadPartialSuccess: Equatable {
  var rejected = 0
  var message = ""

  /// Nil when the bytes are no response with a partial success.
  init?(_ bytes: [UInt8]) {
    guard let response = DecodedField.all(bytes), response.count == 1, response[0].number == 1,
      let fields = DecodedField.all(response[0].bytes)
    else { return nil }
    for field in fields {
      switch (field.number, field.wire) {
      case (1, 0): rejected = Int(field.value)
      case (2, 2): message = String(decoding: field.bytes, as: UTF8.self)
      default: return nil
      }
    }
  }
}

func gzip(_ bytes: [UInt8]) -> [UInt8] { bytes.withUnsafeBytes { Deflate.gzip($0, level: 1) } }

/// A request of that many spans, with ids from `first` on.
func request(spans: Int, from first: UInt64 = 1, padding: Int = 0) -> [UInt8] {
  let text = StubValue.string(String(repeating: "x", count: padding))
  return SpanStub.request((0..<spans).map { SpanStub(first + UInt64($0), ["padding": text]) })
}
