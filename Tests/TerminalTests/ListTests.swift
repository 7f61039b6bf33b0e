import Locks
import SelfTelemetry
import Testing

@testable import Terminal

@Suite struct ListTests {
  private static let ada = """
    {"end_user_id":"ada","sessions":2,"first_event":"2026-11-14T10:00:00.000Z","last_event":"2026-11-21T09:57:00.000Z",\
    "traces":12345,"observations":4,"errors":1,"tokens":{"input":80584,"output":12405,"total":92989,"cache_read":null,\
    "cache_write":null,"reasoning":7},"cost_usd":0.0483137,"latency_ms":{"p50":1988.534,"p95":5514.781,"p99":5514.781},\
    "metadata":{"plan":"pro","org":{"name":"Acme, Inc."}},"models":["gpt-4o"],"tags":[],"workflows":["chat"],\
    "scores":{"helpful":{"mean":0.8,"count":2,"latest":1}}}
    """
  private static let evil = """
    {"end_user_id":"\\u001b[2J\\n=1+1","sessions":0,"first_event":"2026-11-20T10:00:00.000Z",\
    "last_event":"2026-11-20T10:00:00.000Z","traces":1,"observations":1,"errors":0,"tokens":{"input":null,"output":null,\
    "total":null,"cache_read":null,"cache_write":null,"reasoning":null},"cost_usd":null,"latency_ms":{"p50":null,\
    "p95":null,"p99":null},"metadata":{},"models":[],"tags":[],"workflows":[]}
    """
  private static let page = "{\"users\":[\(ada),\(evil)],\"next_cursor\":null}"

  private let source = ScriptedLedger(["/api/v1/users?limit=50": page])

  @Test func `users in a pipe`() throws {
    #expect(
      try answer("users", from: source) == """
        USER             TRACES  SESSIONS  TOKENS     COST  ERRORS    P95                LAST EVENT  MODELS
        ada               12.3k         2   93.0k  $0.0483       1  5.5 s  2026-11-21T09:57:00.000Z  gpt-4o
        \\u{1b}[2J\\n=1+1       1         0       -        -       0      -  2026-11-20T10:00:00.000Z

        """)
  }

  @Test func `users on a terminal with colours`() throws {
    #expect(
      try answer("users", from: source, on: .terminal(60, colours: true)) == """
        \u{1B}[1mUSER\u{1B}[0m             \u{1B}[1mTRACES\u{1B}[0m  \u{1B}[1mTOKENS\u{1B}[0m     \u{1B}[1mCOST\u{1B}[0m\
          \u{1B}[1mERRORS\u{1B}[0m  \u{1B}[1mLAST EVENT\u{1B}[0m
        ada               12.3k   93.0k  $0.0483       \u{1B}[31m1\u{1B}[0m     3 m ago
        \\u{1b}[2J\\n=1+1       1       -        -       0    24 h ago

        """)
  }

  @Test func `users as CSV`() throws {
    #expect(
      try answer("users", "--csv", from: source) == """
        end_user_id,first_event,last_event,traces,sessions,observations,errors,tokens_input,tokens_output,tokens_total,\
        tokens_cache_read,tokens_cache_write,tokens_reasoning,cost_usd,latency_ms_p50,latency_ms_p95,latency_ms_p99,\
        metadata,models,tags,workflows,scores\r
        ada,2026-11-14T10:00:00.000Z,2026-11-21T09:57:00.000Z,12345,2,4,1,80584,12405,92989,,,7,0.0483137,1988.534,\
        5514.781,5514.781,"{""plan"":""pro"",""org"":{""name"":""Acme, Inc.""}}","[""gpt-4o""]",[],"[""chat""]",\
        "{""helpful"":{""mean"":0.8,""count"":2,""latest"":1}}"\r
        "\u{1B}[2J\n=1+1",2026-11-20T10:00:00.000Z,2026-11-20T10:00:00.000Z,1,0,1,0,,,,,,,,,,,{},[],[],[],\r

        """)
  }

  @Test func `no control character of a value reaches a terminal in any form`() throws {
    for form in [[], ["--csv"], ["--json"]] {
      let paper = try Paper()
      let command = try LedgerCommand(.users, form, now: Screen.now)
      let answers = ScriptedLedger([
        "/api/v1/users?limit=50": Self.page.split(separator: "ada").joined(separator: "\u{9B}\u{7F}\u{202E}")
      ])
      try Answer(command, answers, .terminal(80), paper.output).write()
      let harmful = paper.text.unicodeScalars.filter { $0 != "\n" && $0 != "\r" && !PlainText.isHarmless($0) }
      #expect(harmful.isEmpty, "\(form)")
    }
  }

  @Test func `JSON is what the API answers, and still says the same on a terminal`() throws {
    #expect(try answer("users", "--json", from: source) == Self.page + "\n")
    let answers = ScriptedLedger(["/api/v1/users?limit=50": "{\"users\":[\"\u{9B}😀\u{E0001}é\"]}"])
    #expect(
      try answer("users", "--json", from: answers, on: .terminal(80))
        == "{\"users\":[\"\\u009b😀\\udb40\\udc01é\"]}\n")
  }

  @Test func `the options become the API's parameters`() throws {
    let source = ScriptedLedger { _ in "{\"traces\":[],\"next_cursor\":null}" }
    _ = try answer(
      "traces", "--since", "1h", "--until", "2026-11-21", "--filter", "cost > 1", "--sort", "cost", "--limit", "3",
      from: source)
    _ = try answer("user", "x/y", "--sort", "cost", from: source)
    #expect(
      source.asked == [
        "/api/v1/traces?since=2026-11-21T09%3A00%3A00Z&until=2026-11-21T00%3A00%3A00Z&filter=cost%20%3E%201&sort=cost&limit=3",
        "/api/v1/users/x%2Fy/traces?sort=cost&limit=50",
      ])
  }

  /// A list of so many traces, in pages.
  private func list(of count: Int) -> ScriptedLedger {
    ScriptedLedger { target in
      let values = target.split(separator: "?")[1].split(separator: "&").map { $0.split(separator: "=") }
      let parameters = Dictionary(uniqueKeysWithValues: values.map { (String($0[0]), Int($0[1])!) })
      let start = parameters["cursor"] ?? 0
      let end = min(start + parameters["limit"]!, count)
      let rows = (start..<end).map { "{\"trace_id\":\"t\($0)\",\"cost_usd\":\($0)}" }.joined(separator: ",")
      return "{\"traces\":[\(rows)],\"next_cursor\":\(end < count ? "\"\(end)\"" : "null")}"
    }
  }

  @Test func `as many pages are asked for as are needed`() throws {
    let source = list(of: 5000)
    let lines = try answer("traces", "--limit", "2500", "--csv", from: source).split(separator: "\r\n")
    #expect(lines.count == 2501)
    #expect(lines[1].hasPrefix("t0,"))
    #expect(lines[2500].hasPrefix("t2499,"))
    #expect(
      source.asked == [
        "/api/v1/traces?limit=1000", "/api/v1/traces?limit=1000&cursor=1000", "/api/v1/traces?limit=500&cursor=2000",
      ])
  }

  @Test func `all pages are asked for, and the titles stand there once`() throws {
    let lines = try answer("traces", "--all", from: list(of: 2345)).split(separator: "\n")
    #expect(lines.count == 2346)
    #expect(lines[0].hasPrefix("TRACE "))
    #expect(lines[2345].hasPrefix("t2344 "))
    #expect(try answer("traces", "--all", "--json", from: list(of: 2345)).split(separator: "\n").count == 3)
  }

  @Test func `an empty list has titles as CSV only`() throws {
    let source = ScriptedLedger { _ in "{\"users\":[],\"next_cursor\":null}" }
    #expect(try answer("users", from: source) == "")
    #expect(try answer("users", "--csv", from: source).hasPrefix("end_user_id,"))
  }

  @Test func `an answer that is no JSON is a fault in words`() {
    #expect(throws: LedgerFault.failed("the answer cannot be read: malformed JSON")) {
      try answer("users", from: ScriptedLedger { _ in "<html>" })
    }
  }
}
