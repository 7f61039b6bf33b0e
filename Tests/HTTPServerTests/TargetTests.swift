import HTTPServer
import TestSupport
import Testing

/// Says what it made of the request's target.
private struct TargetHandler: HTTPHandler {
  func decide(_ head: HTTPRequestHead) -> HTTPDecision { .receive(limit: 0) }

  func handle(_ request: HTTPRequest) {
    let parameters = request.head.parameters.map { "\($0.name)=\($0.value ?? "nil")" }
    let lines = [request.head.path, request.head.pathPieces.joined(separator: "|"), parameters.joined(separator: "|")]
    request.respond(HTTPResponse(status: 200, body: Array(lines.joined(separator: "\n").utf8)))
  }
}

@Suite struct TargetTests {
  @Test(arguments: [
    ("/", "/", "", ""),
    ("/a/b", "/a/b", "a|b", ""),
    ("/a%2Fb/c%20d", "/a/b/c d", "a/b|c d", ""),
    ("/a//b/", "/a//b/", "a||b|", ""),
    ("/%C3%BC/%e2%82%ac", "/ü/€", "ü|€", ""),
    ("/%ff", "/\u{FFFD}", "\u{FFFD}", ""),
    ("/100%/%2/%zz/%+1", "/100%/%2/%zz/%+1", "100%|%2|%zz|%+1", ""),
    ("/a+b?c+d=e%2Bf", "/a+b", "a+b", "c d=e+f"),
    ("/?a=1&b&c=&a=2", "/", "", "a=1|b=nil|c=|a=2"),
    ("/?", "/", "", ""), ("/?&&a=1&&", "/", "", "a=1"), ("/?=", "/", "", "="), ("/?x", "/", "", "x=nil"),
    ("/?filter=a%26b%3D%22c%22", "/", "", "filter=a&b=\"c\""),
    ("/x?y=/z?", "/x", "x", "y=/z?"),
  ])
  func `takes a target apart before it decodes the parts`(
    target: String, path: String, pieces: String, parameters: String
  ) throws {
    try served { client in
      try client.send("GET", target)
      #expect(try client.receive().text == [path, pieces, parameters].joined(separator: "\n"))
    }
  }

  private func served(_ test: (TestClient) throws -> Void) throws {
    let server = try HTTPServer(configuration: HTTPServerConfiguration(workers: 1), handler: TargetHandler())
    try server.start()
    defer { server.stop(timeout: .zero) }
    try test(try TestClient(port: server.port))
  }

  /// libmicrohttpd would keep a record for each, and fall silent when they fill the connection's memory.
  @Test(arguments: [1, 700, 2000]) func `any number of parameters is read, however they come in`(count: Int) throws {
    try served { client in
      let query = (0..<count).map { "\($0)=a" }.joined(separator: "&")
      for _ in 0..<2 {
        // Memory moves while headers come: the query must not.
        try client.send("GET /x?\(query) HTTP/1.1\r\nHost: test\r\n")
        for _ in 0..<4 { try client.send("X-Long: \(String(repeating: "x", count: 100))\r\n") }
        try client.send("\r\n")
        let text = try client.receive().text
        #expect(text == "/x\nx\n\(query.replacing("&", with: "|"))")
      }
    }
  }
}
