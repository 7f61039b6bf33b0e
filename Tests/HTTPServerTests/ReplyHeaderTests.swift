import HTTPServer
import TestSupport
import Testing

/// What a server's configuration adds to each of its replies.
struct ReplyHeaderTests {
  @Test func `every reply has the configured headers, but for those it has itself`() throws {
    let headers = try ["X-Mine": "a b", "content-type": "text/x", "Retry-After": "99"].map {
      try #require(HTTPHeaderField($0.key, $0.value))
    }
    var configuration = HTTPServerConfiguration(workers: 1, maxConnections: 1, responseHeaders: headers)
    configuration.timeouts = HTTPTimeouts(
      idle: .zero, readHeader: .milliseconds(200), read: .milliseconds(200), write: .zero)
    try withServer(configuration) { server, _ in
      let client = try TestClient(port: server.port)
      try client.send("POST", "/echo", body: [1])
      var reply = try client.receive()
      #expect(reply.headers["x-mine"] == "a b")
      #expect(reply.headers["content-type"] == "text/x")
      try client.send("POST", "/503", body: [1])
      reply = try client.receive()
      #expect(reply.headers["x-mine"] == "a b")
      #expect(reply.headers["retry-after"] == "1")
      // One too many, and one too slow, which libmicrohttpd does not answer.
      reply = try TestClient(port: server.port).receive()
      #expect(reply.status == 503)
      #expect(reply.headers["x-mine"] == "a b")
      try client.send("POST", "/request", headers: ["Content-Length: 3"])
      reply = try client.receive()
      #expect(reply.status == 408)
      #expect(reply.headers["x-mine"] == "a b")
    }
  }

  @Test func `without keep-alive each reply is a connection's last`() throws {
    try withServer(HTTPServerConfiguration(workers: 1, keepsAlive: false)) { server, _ in
      for path in ["/echo", "/thread", "/404"] {
        let client = try TestClient(port: server.port)
        try client.send("POST", path, body: [1])
        let reply = try client.receive()
        #expect(reply.status == (path == "/404" ? 404 : 200))
        #expect(reply.closes)
        #expect(client.isClosedInOrder())
      }
    }
  }

  @Test(
    arguments: [
      ("", "a"), ("X Y", "a"), ("X:", "a"), ("X\r\nY", "a"), ("X", "a\r\nY: b"), ("X", ""), ("X", " "), ("X", "a "),
      ("X", "a\tb"), ("X", "\u{7f}"), ("ä", "a"),
      ("Connection", "close"), ("content-LENGTH", "3"), ("Date", "now"), ("Transfer-Encoding", "chunked"),
    ])
  func `what is no header, or the server's own, is refused`(name: String, value: String) {
    #expect(HTTPHeaderField(name, value) == nil)
  }
}
