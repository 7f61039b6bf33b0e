import Glibc
import TestSupport
import Testing

@testable import Terminal

@Suite struct ServedLedgerTests {
  private func error(_ text: String) -> [UInt8] { Array(text.utf8) }

  @Test func `questions go to the URL, with the token`() throws {
    let server = ScriptedHTTPServer([.answer(200, body: Array("{}".utf8))])
    defer { server.stop() }
    let ledger = try ServedLedger(url: server.url + "/", token: "secret")
    var request = LedgerRequest("users", "a/b")
    request.ask("limit", "5")

    #expect(try ledger.get(request) == Array("{}".utf8))
    #expect(try ledger.forget("a/b") == Array("{}".utf8))

    let requests = server.requests.all
    #expect(
      requests.map { "\($0.method) \($0.target)" } == ["GET /api/v1/users/a%2Fb?limit=5", "DELETE /api/v1/users/a%2Fb"])
    #expect(requests.allSatisfy { $0.header("authorization") == "Bearer secret" })
  }

  @Test(arguments: [
    (404, "{\"error\":{\"message\":\"no user\"}}", LedgerFault.notFound),
    (400, "{\"error\":{\"message\":\"filter: no\",\"position\":7}}", .filter("filter: no", position: 7)),
    (400, "{\"error\":{\"message\":\"sort: no\"}}", .failed("sort: no")),
    (503, "busy", .failed("the answer is nothing but the status 503")),
    (
      414, "<html>URI Too Long</html>",
      .failed("the request is longer than the collector takes (414): ask with a shorter filter or id")
    ),
    (
      431, "{\"error\":{\"message\":\"the headers are larger than is allowed here\"}}",
      .failed("the request is longer than the collector takes (431): ask with a shorter filter or id")
    ),
    (403, "{\"error\":{\"message\":\"strange host\"}}", .failed("strange host")),
  ])
  func `refusals are told in the collector's words`(status: Int, body: String, fault: LedgerFault) throws {
    let server = ScriptedHTTPServer([.answer(status, body: Array(body.utf8))])
    defer { server.stop() }
    let ledger = try ServedLedger(url: server.url, token: nil)
    #expect(throws: fault) { try ledger.get(LedgerRequest("users")) }
    #expect(server.requests.all.first?.header("authorization") == nil)
  }

  @Test func `a missing token is told with what gives one`() throws {
    let server = ScriptedHTTPServer([.answer(401)])
    defer { server.stop() }
    let ledger = try ServedLedger(url: server.url, token: nil)
    #expect(throws: LedgerFault.failed("\(server.url) wants a token: give it with --token or in HEIRLOOM_LEDGER_TOKEN"))
    {
      try ledger.get(LedgerRequest("users"))
    }
  }

  @Test func `nobody there is a fault in words`() throws {
    let url = "http://127.0.0.1:\(ScriptedHTTPServer.unusedPort())"
    let ledger = try ServedLedger(url: url, token: nil)
    #expect {
      try ledger.get(LedgerRequest("users"))
    } throws: { error in
      if case LedgerFault.failed(let text) = error { text.hasPrefix("no answer from \(url): ") } else { false }
    }
  }

  @Test(arguments: ["", "127.0.0.1:4319", "ftp://x", "http://"])
  func `what is no URL is said at once`(url: String) {
    #expect(throws: LedgerFault.self) { try ServedLedger(url: url, token: nil) }
  }

  @Test func `output that nobody reads ends in its own way`() {
    signal(SIGPIPE, SIG_IGN)
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    close(ends[0])
    defer { close(ends[1]) }
    #expect(throws: Output.Failure.closed) { try Output(descriptor: ends[1]).write("x") }
    #expect(throws: Output.Failure.system(EBADF)) { try Output(descriptor: -1).write("x") }
  }
}
