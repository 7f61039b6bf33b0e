import Locks
import OTLP
import Pipeline
import Receivers
import SelfTelemetry
import TestSupport
import Testing

/// What a receiver takes, and how.
struct TakingTests {
  @Test(arguments: [
    "application/x-protobuf", "Application/X-Protobuf", "application/x-protobuf; charset=utf-8",
    "application/x-protobuf;proto=x", " application/x-protobuf ",
  ])
  func `the content type may be written in any way that HTTP allows`(type: String) throws {
    try withReceiver { receiver in
      let client = try receiver.client()
      try client.send("POST", "/v1/traces", headers: ["CONTENT-TYPE: \(type)"], body: request(spans: 2))
      let reply = try client.receive()
      #expect(reply.status == 200)
      #expect(reply.headers["content-type"] == "application/x-protobuf")
      #expect(reply.body.isEmpty)
      #expect(receiver.consumer.spans.map(\.id) == [1, 2])
    }
  }

  @Test(arguments: ["identity", "Identity", "", "gzip", "GZip", "x-gzip"])
  func `the content encoding may be written in any letter case`(encoding: String) throws {
    try withReceiver { receiver in
      let isPacked = encoding.lowercased().hasSuffix("gzip")
      let body = request(spans: 300, padding: 50)
      let client = try receiver.client()
      let reply = try client.exchange(isPacked ? gzip(body) : body, headers: ["content-encoding: \(encoding)"])
      #expect(reply.status == 200)
      #expect(receiver.consumer.spans.map(\.id) == Array(1...300))
    }
  }

  @Test func `a body in chunks is the same request`() throws {
    try withReceiver { receiver in
      let client = try receiver.client()
      let body = request(spans: 50)
      for (body, headers) in [(body, [protobuf]), (gzip(body), [protobuf, "Content-Encoding: gzip"])] {
        try client.sendChunked("/v1/traces", headers: headers, body: body, sizes: [1, 7, 100])
        #expect(try client.receive().status == 200)
      }
      #expect(receiver.consumer.spans.map(\.id) == Array(1...50) + Array(1...50))
    }
  }

  @Test func `a client that waits for leave gets it`() throws {
    try withReceiver { receiver in
      let client = try receiver.client()
      let body = request(spans: 1)
      let head = "POST /v1/traces HTTP/1.1\r\nHost: x\r\n\(protobuf)\r\nContent-Length: \(body.count)\r\n"
      try client.send(head + "Expect: 100-continue\r\n\r\n")
      #expect(try client.receive().status == 100)
      try client.send(body)
      #expect(try client.receive().status == 200)
    }
  }

  @Test func `a query does not change the path, and the path may be another`() throws {
    try withReceiver(path: "/otel/in") { receiver in
      let client = try receiver.client()
      for path in ["/otel/in", "/otel/in?key=1", "/otel/%69n", "/api/public/otel/v1/traces"] {
        try client.send("POST", path, headers: [protobuf], body: request(spans: 1))
        #expect(try client.receive().status == 200)
      }
      try client.sendTraces(request(spans: 1))
      let reply = try client.receive()
      #expect(reply.status == 404)
      #expect(ReadStatus(reply.body)?.message.contains("/otel/in") == true)
    }
  }

  @Test(arguments: [
    [], SpanStub.request([]), [0x0A, 0x00], SampleRequest.field(1, SampleRequest.field(2, [])),
    SampleRequest.field(900, [1, 2]),
  ])
  func `a request without spans is taken, and troubles no pipeline`(body: [UInt8]) throws {
    try withReceiver { receiver in
      let client = try receiver.client()
      for (body, headers) in [(body, []), (gzip(body), ["Content-Encoding: gzip"])] {
        let reply = try client.exchange(body, headers: headers)
        #expect(reply.status == 200)
        #expect(reply.headers["content-type"] == "application/x-protobuf")
        #expect(reply.body.isEmpty)
      }
      #expect(receiver.consumer.requests.all.isEmpty)
      #expect(receiver.requests == 2)
      #expect(receiver.refusedRequests == 0)
    }
  }

  @Test func `spans come to the pipeline as they were sent`() throws {
    var stub = SpanStub(7, parent: 3, ["enduser.id": "ann", "n": 3])
    stub.extra = SampleRequest.field(900, [1, 2, 3])
    try withReceiver { receiver in
      let client = try receiver.client()
      #expect(try client.exchange(SpanStub.request([stub])).status == 200)
      #expect(receiver.consumer.requests.all == [[stub.bytes]])
    }
  }
}

struct PartialSuccessTests {
  private func broken(_ fill: @escaping (inout SpanStub) -> Void) -> SpanStub {
    var stub = SpanStub(99)
    fill(&stub)
    return stub
  }

  /// A later field of the same number replaces the good one.
  private var unusable: [SpanStub] {
    [
      broken { $0.extra = SampleRequest.field(1, [UInt8](repeating: 0, count: 16)) },
      broken { $0.extra = SampleRequest.field(1, [1, 2, 3]) },
      broken { $0.extra = SampleRequest.field(2, []) },
      broken { $0.extra = SampleRequest.field(4, [1]) },
      broken { $0.extra = SampleRequest.field(5, [0xFF, 0xFE]) },
    ]
  }

  @Test func `unusable spans are counted and named, and cost no other span its place`() throws {
    try withReceiver { receiver in
      let client = try receiver.client()
      let spans = [SpanStub(1)] + unusable[..<3] + [SpanStub(2)] + unusable[3...] + [SpanStub(3)]
      let reply = try client.exchange(SpanStub.request(spans))
      #expect(reply.status == 200)
      #expect(reply.headers["content-type"] == "application/x-protobuf")
      let partial = try #require(ReadPartialSuccess(reply.body))
      #expect(partial.rejected == 5)
      for reason in ["2 × trace id", "1 × span id", "1 × parent span id", "1 × string that is not UTF-8"] {
        #expect(partial.message.contains(reason))
      }
      #expect(!partial.message.contains("link"))
      #expect(receiver.consumer.spans.map(\.id) == [1, 2, 3])
      #expect(receiver.acceptedSpans == 3)
      #expect(receiver.refusedSpans == 5)
      #expect(receiver.refusedRequests == 0)
      // The next reply says nothing of them.
      #expect(try client.exchange(request(spans: 1)).body.isEmpty)
    }
  }

  @Test func `a request of unusable spans only is answered without the pipeline`() throws {
    try withReceiver { receiver in
      let reply = try receiver.client().exchange(SpanStub.request(unusable))
      #expect(reply.status == 200)
      #expect(ReadPartialSuccess(reply.body)?.rejected == 5)
      #expect(receiver.consumer.requests.all.isEmpty)
      #expect(receiver.acceptedSpans == 0)
      #expect(receiver.refusedSpans == 5)
    }
  }

  @Test func `what the pipeline refuses is refused in whole, whatever was unusable`() throws {
    let refusal = Refusal(message: "no room", retryAfter: 9)
    try withReceiver(StubConsumer(.refuse(refusal))) { receiver in
      let reply = try receiver.client().exchange(SpanStub.request([SpanStub(1), unusable[0]]))
      #expect(reply.status == 503)
      #expect(ReadStatus(reply.body)?.message == "no room")
    }
  }
}

struct OTLPReceiverTests {
  @Test func `a receiver listens where it says, takes spans, and stops`() throws {
    let consumer = StubConsumer()
    let registry = MetricRegistry()
    var configuration = OTLPReceiver.Configuration()
    configuration.port = 0
    let receiver = try OTLPReceiver(
      id: "otlp", configuration: configuration, interner: ScopeInterner(), intake: Intake(into: consumer),
      registry: registry)
    receiver.doorkeeper.take(Doorkeeper.Duties())
    #expect(receiver.address == "127.0.0.1:\(receiver.port)")
    try receiver.start()
    let client = try TestClient(port: receiver.port)
    #expect(try client.exchange(request(spans: 3)).status == 200)
    let labels = [("receiver", "otlp"), ("transport", "http")]
    #expect(registry.value("heirloom_receiver_connections", labels: labels) == 1)
    receiver.stopAccepting()
    let last = try client.exchange(request(spans: 2))
    #expect(last.status == 200)
    #expect(last.closes)
    receiver.stop(timeout: .seconds(5))
    #expect(throws: ConnectionLost.self) { try TestClient(port: receiver.port) }
    #expect(consumer.spans.count == 5)
  }

  @Test func `by default it listens on this machine only, and takes 64 MiB`() {
    let configuration = OTLPReceiver.Configuration()
    #expect(configuration.host == "127.0.0.1")
    #expect(configuration.port == 4318)
    #expect(configuration.maxRequestBodySize == 64 << 20)
    #expect(configuration.tracesURLPath == "/v1/traces")
  }
}
