import HTTPServer
import TestSupport
import Testing

struct RequestTests {
  @Test func `a connection serves one request after another`() throws {
    try withServer { server, _ in
      let client = try TestClient(port: server.port)
      for size in [0, 1, 100_000, 3, 999_999] {
        try client.send("POST", "/echo", body: pattern(size))
        let reply = try client.receive()
        #expect(reply.status == 200)
        #expect(reply.body == pattern(size))
        #expect(!reply.closes)
      }
      #expect(server.statistics.openConnections == 1)
    }
  }

  @Test func `pipelined requests are answered in their order`() throws {
    try withServer { server, _ in
      let client = try TestClient(port: server.port)
      let paths = ["/echo", "/404", "/thread", "/echo", "/503", "/thread", "/nothing"]
      for (index, path) in paths.enumerated() { try client.send("POST", path, body: pattern(index + 10)) }
      let replies = try paths.map { _ in try client.receive() }
      #expect(replies.map(\.status) == [200, 404, 200, 200, 503, 200, 200])
      #expect(replies.map(\.body.count) == [10, 7, 12, 13, 7, 15, 0])
    }
  }

  @Test(arguments: [[1], [3, 1, 70_000], [65_536], [200_000]]) func `chunks may be cut anywhere`(sizes: [Int]) throws {
    try withServer { server, _ in
      let client = try TestClient(port: server.port)
      let body = pattern(sizes == [1] ? 3000 : 300_001)
      for _ in 0..<2 {
        try client.sendChunked("/echo", body: body, sizes: sizes)
        #expect(try client.receive().body == body)
      }
    }
  }

  @Test func `headers are found in any letter case`() throws {
    try withServer { server, _ in
      let client = try TestClient(port: server.port)
      let lines = [
        "x-custom-name: a", "X-CUSTOM-NAME:b", "X-Custom-Name: \t c d \t", "X-Custom-Names: no", "X-Custom-Name:",
      ]
      let replies = try lines.map { line in
        try client.send("GET", "/headers", headers: [line])
        return try client.receive().text
      }
      #expect(replies == ["a", "b", "c d", "none", ""])
    }
  }

  @Test(arguments: ["GET", "OPTIONS", "PUT", "DELETE", "PROPFIND", "post"]) func `any method arrives`(
    method: String
  ) throws {
    try withServer { server, _ in
      let client = try TestClient(port: server.port)
      try client.send(method, "/request")
      #expect(try client.receive().text == "\(method) 0")
      try client.send(method, "/request", body: [1, 2, 3])
      #expect(try client.receive().text == "\(method) 3")
    }
  }

  @Test func `a reply to HEAD has no body`() throws {
    try withServer { server, _ in
      let client = try TestClient(port: server.port)
      try client.send("HEAD", "/request")
      let reply = try client.receive(toHead: true)
      #expect(reply.headers["content-length"] == "6")
      try client.send("HEAD", "/404")
      #expect(try client.receive(toHead: true).status == 404)
      try client.send("POST", "/echo", body: [7])
      #expect(try client.receive().body == [7])
    }
  }

  @Test func `HTTP 1.0 gets its reply and then the end`() throws {
    try withServer { server, _ in
      let client = try TestClient(port: server.port)
      try client.send("POST /echo HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello")
      #expect(try client.receive().text == "hello")
      #expect(client.isClosedInOrder())
    }
  }

  @Test func `100 Continue is sent when the body is welcome`() throws {
    try withServer { server, _ in
      let client = try TestClient(port: server.port)
      try client.send("POST", "/echo", headers: ["Expect: 100-continue", "Content-Length: 5"])
      #expect(try client.receive().status == 100)
      try client.send("hello")
      #expect(try client.receive().text == "hello")
    }
  }

  @Test func `a prebuilt reply can be sent any number of times`() throws {
    try withServer { server, _ in
      let clients = try (0..<4).map { _ in try TestClient(port: server.port) }
      for _ in 0..<50 {
        for client in clients { try client.send("POST", "/nothing", body: [1]) }
        for client in clients {
          let reply = try client.receive()
          #expect(reply.status == 200)
          #expect(reply.headers["content-type"] == "application/x-protobuf")
          #expect(reply.headers["content-length"] == "0")
        }
      }
    }
  }
}

struct HeaderValueTests {
  /// Says of the header what a handler may ask.
  private struct Inspector: HTTPHandler {
    func decide(_ head: HTTPRequestHead) -> HTTPDecision {
      let type = head.header("content-type")
      let isProtobuf = type?.withoutParameters.isWord("application/x-protobuf") ?? false
      let isBare = type?.isWord("application/x-protobuf") ?? false
      return .reject(HTTPResponse(status: isBare ? 200 : isProtobuf ? 201 : 202))
    }

    func handle(_ request: HTTPRequest) {}
  }

  @Test(arguments: [
    ("application/x-protobuf", 200), ("Application/X-PROTOBUF ", 200), ("application/x-protobuf; charset=utf-8", 201),
    ("application/x-protobuf\t;x", 201), ("application/x-protobufs", 202), (";application/x-protobuf", 202), ("", 202),
    ("application/x.protobuf", 202),
  ]) func `words are compared in any letter case, without parameters if wanted`(value: String, status: Int) throws {
    let server = try HTTPServer(configuration: HTTPServerConfiguration(workers: 1), handler: Inspector())
    try server.start()
    defer { server.stop(timeout: .zero) }
    let client = try TestClient(port: server.port)
    try client.send("POST", "/", headers: ["Content-Type: \(value)"])
    #expect(try client.receive().status == status)
  }
}
