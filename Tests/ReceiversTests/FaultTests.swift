import HTTPServer
import Pipeline
import TestSupport
import Testing

/// What a sender may do wrong, and what it is told.
struct FaultTests {
  /// One row of the table of faults.
  struct Fault: Sendable, CustomTestStringConvertible {
    let name: String
    var method = "POST"
    var path = "/v1/traces"
    var headers = [protobuf]
    var body: [UInt8] = request(spans: 1)
    let status: Int
    /// The gRPC code in the Status.
    let code: Int
    /// What the message must say.
    let says: String
    /// A header that the reply has beside the usual ones.
    var header: (name: String, value: String)?

    var testDescription: String { name }
  }

  private static let type = ("accept", "application/x-protobuf, application/json")
  private static let encoding = ("accept-encoding", "identity, gzip, zstd, zlib, deflate")
  private static let gzipped = [protobuf, "Content-Encoding: gzip"]

  /// A gzip file of which one byte is another.
  private static func damaged(_ position: Int) -> [UInt8] {
    var bytes = gzip(request(spans: 3))
    bytes[position < 0 ? bytes.count + position : position] ^= 0x55
    return bytes
  }

  /// A request whose resource has lists within lists.
  private static func nested(_ depth: Int) -> [UInt8] {
    let value = (0..<depth).reduce(into: [UInt8]()) { value, _ in
      value = SampleRequest.field(5, SampleRequest.field(1, value))
    }
    return [2, 1, 1, 1].reduce(value) { SampleRequest.field($1, $0) }
  }

  private static let faults: [Fault] =
    [
      Fault(name: "another path", path: "/v1/profiles", status: 404, code: 12, says: "/v1/traces"),
      Fault(name: "a signal that no pipeline takes", path: "/v1/logs", status: 404, code: 12, says: "takes logs"),
      Fault(name: "the root path", path: "/", status: 404, code: 12, says: "/v1/traces"),
      Fault(name: "a slash too many", path: "/v1/traces/", status: 404, code: 12, says: "/v1/traces"),
      Fault(name: "another path and method", method: "GET", path: "/x", status: 404, code: 12, says: "/v1/traces"),
      Fault(name: "no content type", headers: [], status: 415, code: 3, says: "application/x-protobuf", header: type),
      Fault(name: "bytes that are no message", body: [1, 2, 3], status: 400, code: 3, says: "malformed protobuf"),
      Fault(
        name: "a message cut off", body: request(spans: 3).dropLast(2), status: 400, code: 3, says: "at byte"),
      Fault(name: "field number 0", body: [0x02, 0x00], status: 400, code: 3, says: "field number 0"),
      Fault(name: "a group", body: [0x0B, 0x0C], status: 400, code: 3, says: "wire type"),
      Fault(name: "lists in lists", body: nested(50), status: 400, code: 3, says: "nested deeper"),
      Fault(name: "a body of another type", body: Array("{}".utf8), status: 400, code: 3, says: "malformed protobuf"),
      Fault(name: "gzip of nothing", headers: gzipped, body: [], status: 400, code: 3, says: "it is empty"),
      Fault(
        name: "no gzip", headers: gzipped, body: request(spans: 1), status: 400, code: 3, says: "broken or cut off"),
      Fault(
        name: "gzip cut off", headers: gzipped, body: gzip(request(spans: 3)).dropLast(9), status: 400, code: 3,
        says: "broken or cut off"),
      Fault(
        name: "a wrong checksum", headers: gzipped, body: damaged(-8), status: 400, code: 3, says: "checksum is wrong"),
      Fault(name: "a wrong size", headers: gzipped, body: damaged(-4), status: 400, code: 3, says: "checksum is wrong"),
      Fault(
        name: "bytes behind gzip", headers: gzipped, body: gzip(request(spans: 1)) + [7], status: 400, code: 3,
        says: "other bytes follow"),
      Fault(
        name: "gzip within gzip", headers: gzipped, body: gzip(gzip(request(spans: 1))), status: 400, code: 3,
        says: "malformed protobuf"),
      Fault(
        name: "malformed within gzip", headers: gzipped, body: gzip([1, 2, 3]), status: 400, code: 3,
        says: "malformed protobuf"),
      Fault(
        name: "more than the limit within gzip", headers: gzipped,
        body: gzip([UInt8](repeating: 0, count: (1 << 20) + 1)), status: 413, code: 8, says: "1048576 bytes"),
    ]
    + ["GET", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW", "post"].map {
      Fault(name: $0, method: $0, status: 405, code: 12, says: "POST", header: ("allow", "POST"))
    }
    + ["application/jsonl", "application/x-protobuf2", "text/plain", "application/x-protobuf, text/plain", ""].map {
      Fault(
        name: "content type \($0)", headers: ["Content-Type: \($0)"], status: 415, code: 3,
        says: "application/x-protobuf", header: type)
    }
    + ["br", "snappy", "gzip, gzip", "deflate, gzip", "gzip;q=1", "gzippy"].map {
      Fault(
        name: "content encoding \($0)", headers: [protobuf, "Content-Encoding: \($0)"], status: 415, code: 3,
        says: "identity, gzip, zstd, zlib, deflate", header: encoding)
    }
    + ["zstd", "deflate", "zlib"].map {
      Fault(
        name: "no \($0)", headers: [protobuf, "Content-Encoding: \($0)"], body: Array("no such thing".utf8),
        status: 400,
        code: 3, says: "broken or cut off")
    }
    + ["zstd", "deflate", "zlib"].map {
      Fault(
        name: "\($0) of nothing", headers: [protobuf, "Content-Encoding: \($0)"], body: [], status: 400, code: 3,
        says: "it is empty")
    }

  @Test(arguments: faults)
  func `each fault has its reply, and the connection goes on`(fault: Fault) throws {
    try withReceiver { receiver in
      let client = try receiver.client()
      for _ in 0..<2 {
        try client.send(fault.method, fault.path, headers: fault.headers, body: fault.body)
        let reply = try client.receive()
        #expect(reply.status == fault.status)
        #expect(reply.headers["content-type"] == "application/x-protobuf")
        let status = try #require(ReadStatus(reply.body))
        #expect(status.code == fault.code)
        #expect(status.message.contains(fault.says))
        if let (name, value) = fault.header { #expect(reply.headers[name] == value) }
        #expect((reply.headers["allow"] != nil) == (fault.status == 405))
        #expect(reply.headers["retry-after"] == nil)
        #expect(!reply.closes)
      }
      #expect(receiver.refusedRequests == 2)
      #expect(receiver.consumer.requests.all.isEmpty)
      let reply = try client.exchange(request(spans: 1))
      #expect(reply.status == 200)
      #expect(receiver.requests == 3)
    }
  }

  @Test(arguments: [
    ("Content-Length: 3\r\nContent-Length: 4", 400, 3), ("Transfer-Encoding: gzip", 501, 12),
  ])
  func `what the server can't read is answered with a Status too`(header: String, status: Int, code: Int) throws {
    try withReceiver { receiver in
      let client = try receiver.client()
      try client.send("POST /v1/traces HTTP/1.1\r\nHost: x\r\n\(protobuf)\r\n\(header)\r\n\r\nabcd")
      let reply = try client.receive()
      #expect(reply.status == status)
      #expect(reply.headers["content-type"] == "application/x-protobuf")
      let read = try #require(ReadStatus(reply.body))
      #expect(read.code == code)
      #expect(!read.message.isEmpty)
      #expect(receiver.refusedRequests == 1)
      #expect(receiver.consumer.requests.all.isEmpty)
    }
  }

  @Test func `a request that does not come in full is answered with a Status, and its connection is counted`() throws {
    let timeouts = HTTPTimeouts(idle: .zero, readHeader: .milliseconds(300), read: .milliseconds(300))
    try withReceiver(timeouts: timeouts) { receiver in
      let headers = "POST /v1/traces HTTP/1.1\r\nHost: x\r\n\(protobuf)\r\nContent-Length: 5\r\n"
      for (sent, reason) in [(headers, "read_header_timeout"), (headers + "\r\nabcd", "read_timeout")] {
        #expect(receiver.closedConnections(reason) == 0)
        let refused = receiver.refusedRequests
        let client = try receiver.client()
        try client.send(sent)
        let reply = try client.receive()
        #expect(reply.status == 408)
        let status = try #require(ReadStatus(reply.body))
        #expect(status.code == 4)
        #expect(status.message == HTTPFault.tooSlow.message)
        #expect(client.isClosedInOrder())
        #expect(eventually { receiver.closedConnections(reason) == 1 })
        #expect(receiver.refusedRequests == refused + 1)
      }
      #expect(receiver.consumer.requests.all.isEmpty)
    }
  }

  @Test func `headers that are too large are answered with a Status`() throws {
    try withReceiver { receiver in
      let client = try receiver.client()
      try client.sendTraces([1], headers: ["X-Long: " + String(repeating: "x", count: 16384)])
      let reply = try client.receive()
      #expect(reply.status == 431)
      let status = try #require(ReadStatus(reply.body))
      #expect(status.code == 8)
      #expect(status.message == HTTPFault.headersTooLarge.message)
      #expect(receiver.refusedRequests == 1)
    }
  }

  @Test(arguments: ["Expect: 100-continue\r\nContent-Length: 50", "Content-Length: 10000000"])
  func `what the pipeline refuses is told before the body is sent`(headers: String) throws {
    let overload = Refusal(message: "at its limit", retryAfter: 3)
    try withReceiver(StubConsumer(refusal: overload), limit: 64 << 20) { receiver in
      let client = try receiver.client()
      // No byte of the body ever comes.
      try client.send("POST /v1/traces HTTP/1.1\r\nHost: x\r\n\(protobuf)\r\n\(headers)\r\n\r\n")
      let reply = try client.receive()
      #expect(reply.status == 503)
      #expect(reply.headers["retry-after"] == "3")
      #expect(ReadStatus(reply.body)?.message == "at its limit")
      #expect(receiver.refusedRequests == 1)
      #expect(receiver.server.statistics.bodyBytes == 0)
    }
  }

  @Test func `a reply to HEAD has no body but is the same otherwise`() throws {
    try withReceiver { receiver in
      let client = try receiver.client()
      try client.send("HEAD", "/v1/traces")
      let reply = try client.receive(toHead: true)
      #expect(reply.status == 405)
      #expect(reply.headers["allow"] == "POST")
      #expect(reply.body.isEmpty)
      #expect(try client.exchange(request(spans: 1)).status == 200)
    }
  }

  /// Checks that a reply says that the request was too large, and how large it may be.
  private func expectTooLarge(_ reply: TestClient.Reply, limit: Int) throws {
    #expect(reply.status == 413)
    #expect(reply.headers["content-type"] == "application/x-protobuf")
    let status = try #require(ReadStatus(reply.body))
    #expect(status.code == 8)
    #expect(status.message.contains("\(limit) bytes"))
    #expect(status.message.contains("max_request_body_size"))
  }

  @Test func `a body that is announced too large is refused before it is sent`() throws {
    try withReceiver(limit: 1000) { receiver in
      let client = try receiver.client()
      // No byte of the body ever comes.
      try client.send("POST /v1/traces HTTP/1.1\r\nHost: x\r\n\(protobuf)\r\nContent-Length: 1001\r\n\r\n")
      try expectTooLarge(client.receive(), limit: 1000)
      #expect(receiver.requests == 1)
      #expect(receiver.refusedRequests == 1)
      #expect(receiver.consumer.requests.all.isEmpty)
    }
  }

  @Test func `too large is told before overload, since trying again helps nobody`() throws {
    let overload = Refusal(message: "full", retryAfter: 1)
    try withReceiver(StubConsumer(refusal: overload), limit: 1000) { receiver in
      let client = try receiver.client()
      try client.sendTraces(request(spans: 1, padding: 1000))
      try expectTooLarge(client.receive(), limit: 1000)
    }
  }

  @Test func `a body in chunks that grows too large is refused, and the connection goes on`() throws {
    try withReceiver(limit: 1000) { receiver in
      let client = try receiver.client()
      try client.sendChunked("/v1/traces", headers: [protobuf], body: request(spans: 9, padding: 500), sizes: [700])
      let reply = try client.receive()
      try expectTooLarge(reply, limit: 1000)
      #expect(!reply.closes)
      #expect(receiver.requests == 1)
      #expect(receiver.refusedRequests == 1)
      #expect(receiver.consumer.requests.all.isEmpty)
      #expect(try client.exchange(request(spans: 1)).status == 200)
    }
  }

  @Test func `a body of exactly the limit is taken, as sent and inflated`() throws {
    let body = request(spans: 7, padding: 100)
    try withReceiver(limit: body.count) { receiver in
      let client = try receiver.client()
      #expect(try client.exchange(body).status == 200)
      #expect(try client.exchange(gzip(body), headers: ["Content-Encoding: gzip"]).status == 200)
      try client.sendChunked("/v1/traces", headers: [protobuf], body: body, sizes: [100])
      #expect(try client.receive().status == 200)
      #expect(receiver.acceptedSpans == 21)
    }
    try withReceiver(limit: body.count - 1) { receiver in
      let client = try receiver.client()
      #expect(try client.exchange(gzip(body), headers: ["Content-Encoding: gzip"]).status == 413)
      #expect(receiver.refusedRequests == 1)
    }
  }
}
