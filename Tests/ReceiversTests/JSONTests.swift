import HTTPServer
import OTLP
import Pipeline
import TestSupport
import Testing

private let type = "Content-Type: application/json"

/// Requests in JSON: the same spans come out, and every reply is in JSON too.
struct JSONTests {
  private func text(_ request: [UInt8]) throws -> [UInt8] {
    var text: [UInt8] = []
    try request.withUnsafeBytes { try OTLPJSON.append(message: $0, signal: .traces, to: &text) }
    return text
  }

  private func said(_ reply: TestClient.Reply) -> String { String(decoding: reply.body, as: UTF8.self) }

  @Test(arguments: [
    "application/json", "Application/JSON", "application/json; charset=utf-8", "application/json;Charset=\"UTF-8\"",
    "application/json; charset=us-ascii", "application/json; a=b ; charset=utf8", "application/json;",
  ])
  func `the content type may be written in any way that HTTP allows`(type: String) throws {
    try withReceiver { receiver in
      let client = try receiver.client()
      for compressed in [false, true] {
        let body = try text(request(spans: 300, padding: 40))
        let encoding = compressed ? ["Content-Encoding: gzip"] : []
        try client.send(
          "POST", "/v1/traces", headers: ["content-type: \(type)"] + encoding, body: compressed ? gzip(body) : body)
        let reply = try client.receive()
        #expect(reply.status == 200)
        #expect(reply.headers["content-type"] == "application/json")
        #expect(said(reply) == "{}")
      }
      #expect(receiver.consumer.spans.map(\.id) == Array(1...300) + Array(1...300))
    }
  }

  @Test func `the pipeline gets the same spans`() throws {
    try withReceiver { receiver in
      let client = try receiver.client()
      let body = request(spans: 3)
      try client.send("POST", "/v1/traces", headers: [type], body: text(body))
      #expect(try client.receive().status == 200)
      #expect(try client.exchange(body).status == 200)
      let requests = receiver.consumer.requests.all
      #expect(requests.count == 2)
      #expect(requests.first == requests.last)
    }
  }

  @Test func `spans that are left out are told in JSON`() throws {
    try withReceiver { receiver in
      let client = try receiver.client()
      let spans =
        #"{"traceId":"01","spanId":"0102030405060708"},{"traceId":"000102030405060708090A0B0C0D0E0F","spanId":"0102030405060708"}"#
      try client.send(
        "POST", "/v1/traces", headers: [type],
        body: Array(#"{"resourceSpans":[{"scopeSpans":[{"spans":[\#(spans)]}]}]}"#.utf8))
      let reply = try client.receive()
      #expect(reply.status == 200)
      #expect(
        said(reply)
          == #"{"partialSuccess":{"rejectedSpans":"1","errorMessage":"spans left out: 1 × trace id missing, all zero or not 16 bytes"}}"#
      )
      #expect(receiver.consumer.spans.count == 1)
    }
  }

  /// A refusal, with what its Status says.
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var method = "POST"
    var path = "/v1/traces"
    var headers = [type]
    var body = Array("{}".utf8)
    let status: Int
    let code: Int
    let says: String
  }

  @Test(arguments: [
    Case(testDescription: "another path", path: "/v1/nothing", status: 404, code: 12, says: "/v1/traces"),
    Case(testDescription: "another method", method: "PUT", status: 405, code: 12, says: "POST"),
    Case(
      testDescription: "another charset", headers: [type + "; charset=iso-8859-1"], status: 415, code: 3, says: "utf-8"),
    Case(
      testDescription: "another encoding", headers: [type, "Content-Encoding: br"], status: 415, code: 3,
      says: "one of identity, gzip, zstd"),
    Case(testDescription: "no JSON", body: Array("{".utf8), status: 400, code: 3, says: "malformed JSON at byte 0"),
    Case(testDescription: "nothing", body: [], status: 400, code: 3, says: "malformed JSON"),
    Case(testDescription: "protobuf", body: request(spans: 1), status: 400, code: 3, says: "malformed JSON at byte"),
    Case(
      testDescription: "a field of another kind", body: Array(#"{"resourceSpans":{}}"#.utf8), status: 400, code: 3,
      says: "no ExportTraceServiceRequest: malformed JSON at byte 17: resourceSpans: "),
    Case(
      testDescription: "no gzip", headers: [type, "Content-Encoding: gzip"], status: 400, code: 3,
      says: "no intact gzip"),
    Case(
      testDescription: "a body over the limit", body: [UInt8](repeating: UInt8(ascii: " "), count: 1_048_577),
      status: 413,
      code: 8, says: "1048576 bytes"),
    Case(
      testDescription: "a body that inflates over the limit", headers: [type, "Content-Encoding: gzip"],
      body: gzip([UInt8](repeating: UInt8(ascii: " "), count: 1_048_577)), status: 413, code: 8, says: "1048576 bytes"),
    Case(
      testDescription: "headers over the limit", headers: [type, "X-Long: " + String(repeating: "x", count: 16384)],
      status: 431, code: 8, says: "headers"),
    Case(
      testDescription: "a transfer coding", headers: [type, "Transfer-Encoding: gzip"], body: [], status: 501, code: 12,
      says: "chunked"),
  ])
  func `a refusal is a Status in JSON`(fault: Case) throws {
    try withReceiver { receiver in
      let client = try receiver.client()
      try client.send(fault.method, fault.path, headers: fault.headers, body: fault.body)
      try expect(client.receive(), fault.status, code: fault.code, says: fault.says)
      #expect(receiver.refusedRequests == 1)
      #expect(receiver.consumer.requests.all.isEmpty)
    }
  }

  @Test func `what the pipeline refuses is told in JSON, before the body and after it`() throws {
    try withReceiver(StubConsumer(refusal: Refusal(message: "at \"its\" limit", retryAfter: 3))) { receiver in
      let client = try receiver.client()
      try client.send("POST", "/v1/traces", headers: [type], body: text(request(spans: 1)))
      let reply = try client.receive()
      try expect(reply, 503, code: 14, says: #"at \"its\" limit"#)
      #expect(reply.headers["retry-after"] == "3")
    }
  }

  private func expect(_ reply: TestClient.Reply, _ status: Int, code: Int, says: String) throws {
    #expect(reply.status == status)
    #expect(reply.headers["content-type"] == "application/json")
    #expect(said(reply).hasPrefix(#"{"code":\#(code),"message":""#))
    #expect(said(reply).contains(says))
  }
}
