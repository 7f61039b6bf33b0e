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
    ("/?filter=a%26b%3D%22c%22", "/", "", "filter=a&b=\"c\""),
    ("/x?y=/z?", "/x", "x", "y=/z?"),
  ])
  func `takes a target apart before it decodes the parts`(
    target: String, path: String, pieces: String, parameters: String
  ) throws {
    let server = try HTTPServer(configuration: HTTPServerConfiguration(workers: 1), handler: TargetHandler())
    try server.start()
    defer { server.stop(timeout: .zero) }
    let client = try TestClient(port: server.port)
    try client.send("GET", target)
    #expect(try client.receive().text == [path, pieces, parameters].joined(separator: "\n"))
  }
}
