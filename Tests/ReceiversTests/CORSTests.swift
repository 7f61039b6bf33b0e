import HTTPServer
@testable import Receivers
import TestSupport
import Testing

/// What browsers are told. What is expected is what rs/cors answers.
struct CORSTests {
  private static func cors(_ change: (inout CORSConfiguration) -> Void) -> (inout OTLPReceiver.Configuration) -> Void {
    var cors = CORSConfiguration()
    cors.allowedOrigins = ["https://app.example", "http://*.test:8080"]
    change(&cors)
    return { [cors] in $0.cors = cors }
  }

  private func preflight(_ client: TestClient, _ headers: String...) throws -> TestClient.Reply {
    try client.send("OPTIONS", "/v1/traces", headers: headers)
    return try client.receive()
  }

  private static let wanted = "Access-Control-Request-Method: POST"

  @Test func `without origins there is none of it`() throws {
    try withReceiver { receiver in
      let client = try receiver.client()
      #expect(try preflight(client, "Origin: https://app.example", Self.wanted).status == 405)
      let reply = try client.exchange(request(spans: 1), headers: ["Origin: https://app.example"])
      #expect(reply.status == 200)
      #expect(reply.headers["access-control-allow-origin"] == nil)
      #expect(reply.headers["vary"] == nil)
    }
  }

  @Test(arguments: ["https://app.example", "http://a.test:8080", "HTTP://A.b.Test:8080", "http://.test:8080"])
  func `an allowed origin may send`(origin: String) throws {
    try withReceiver(configure: Self.cors { $0.maxAge = 600 }) { receiver in
      let client = try receiver.client()
      let asked = try preflight(
        client, "Origin: \(origin)", Self.wanted, "Access-Control-Request-Headers: content-type,x-requested-with")
      #expect(asked.status == 204)
      #expect(asked.body.isEmpty)
      #expect(asked.headers["access-control-allow-origin"] == origin)
      #expect(asked.headers["access-control-allow-methods"] == "POST")
      #expect(asked.headers["access-control-allow-headers"] == "content-type,x-requested-with")
      #expect(asked.headers["access-control-allow-credentials"] == "true")
      #expect(asked.headers["access-control-max-age"] == "600")
      #expect(
        asked.headers["vary"] == "Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
      let sent = try client.exchange(request(spans: 1), headers: ["Origin: \(origin)"])
      #expect(sent.status == 200)
      #expect(sent.headers["access-control-allow-origin"] == origin)
      #expect(sent.headers["access-control-allow-credentials"] == "true")
      #expect(sent.headers["access-control-expose-headers"] == nil)
      #expect(sent.headers["vary"] == "Origin")
      #expect(receiver.refusedRequests == 0)
    }
  }

  @Test(arguments: [
    "https://app.example.evil", "http://app.example", "https://evil.example", "http://test:8080", "http://a.test:80",
    "http://a\tb.test:8080", "http://\u{E4}.test:8080", "null", "",
  ])
  func `another origin is told nothing, and a request that comes all the same is taken`(origin: String) throws {
    try withReceiver(configure: Self.cors { _ in }) { receiver in
      let client = try receiver.client()
      let asked = try preflight(client, "Origin: \(origin)", Self.wanted)
      #expect(asked.status == 204)
      let sent = try client.exchange(request(spans: 1), headers: ["Origin: \(origin)"])
      #expect(sent.status == 200)
      for reply in [asked, sent] {
        #expect(reply.headers.keys.filter { $0.hasPrefix("access-control") } == [])
      }
    }
  }

  @Test func `who is no browser gets the reply without remarks`() throws {
    try withReceiver(configure: Self.cors { _ in }) { receiver in
      let client = try receiver.client()
      let reply = try client.exchange(request(spans: 1))
      #expect(reply.status == 200)
      #expect(reply.headers["vary"] == nil)
    }
  }

  @Test func `errors can be read by the page too, whoever finds them`() throws {
    try withReceiver(limit: 1000, configure: Self.cors { $0.exposedHeaders = ["Retry-After", "X-A"] }) { receiver in
      let client = try receiver.client()
      let origin = "Origin: https://app.example"
      var replies = [
        try client.exchange([1, 2, 3], headers: [origin]),
        try client.exchange(request(spans: 1), headers: [origin, "Content-Encoding: br"]),
        try client.exchange(request(spans: 9, padding: 500), headers: [origin]),
      ]
      let another = try receiver.client()
      try another.sendChunked(
        "/v1/traces", headers: [protobuf, origin], body: request(spans: 9, padding: 500), sizes: [700])
      replies.append(try another.receive())
      #expect(replies.map(\.status) == [400, 415, 413, 413])
      for reply in replies {
        #expect(reply.headers["access-control-allow-origin"] == "https://app.example")
        #expect(reply.headers["access-control-expose-headers"] == "Retry-After, X-A")
      }
    }
  }

  @Test(
    arguments: [
      ("content-type,x-mine", [], false), ("content-type,x-mine", ["X-Mine"], true), ("x-other", ["X-Mine"], false),
      ("x-any, x-thing", ["*"], true), ("x-\u{E4}", ["*"], false), ("accept", [], true), ("authorization", [], false),
      ("authorization", ["Authorization"], true),
    ] as [(String, [String], Bool)])
  func `only listed headers may be sent`(wanted: String, listed: [String], isAllowed: Bool) throws {
    try withReceiver(configure: Self.cors { $0.allowedHeaders = listed }) { receiver in
      let reply = try preflight(
        receiver.client(), "Origin: https://app.example", Self.wanted, "Access-Control-Request-Headers: \(wanted)")
      #expect(reply.status == 204)
      #expect((reply.headers["access-control-allow-origin"] != nil) == isAllowed)
      #expect((reply.headers["access-control-allow-headers"] != nil) == isAllowed)
    }
  }

  @Test(arguments: [("POST", true), ("GET", true), ("HEAD", true), ("PUT", false), ("DELETE", false), ("post", false)])
  func `only some methods may be sent`(method: String, isAllowed: Bool) throws {
    try withReceiver(configure: Self.cors { _ in }) { receiver in
      let reply = try preflight(
        receiver.client(), "Origin: https://app.example", "Access-Control-Request-Method: \(method)")
      #expect(reply.status == 204)
      #expect(reply.headers["access-control-allow-methods"] == (isAllowed ? method : nil))
    }
  }

  @Test func `with a star, any origin is every origin`() throws {
    let configure = Self.cors {
      $0.allowedOrigins = ["*"]
      $0.maxAge = -1
    }
    try withReceiver(configure: configure) { receiver in
      let client = try receiver.client()
      let reply = try preflight(client, "Origin: https://anywhere", Self.wanted)
      #expect(reply.headers["access-control-allow-origin"] == "*")
      #expect(reply.headers["access-control-max-age"] == "0")
      #expect(reply.headers["access-control-allow-headers"] == nil)
    }
  }
}
