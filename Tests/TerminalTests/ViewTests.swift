import SelfTelemetry
import Testing

@testable import Terminal

@Suite struct ViewTests {
  private static let tokens = """
    {"input":1000,"output":200,"total":1200,"cache_read":400,"cache_write":null,"reasoning":null}
    """
  private static let none = """
    {"input":null,"output":null,"total":null,"cache_read":null,"cache_write":null,"reasoning":null}
    """
  private static let summary = """
    "first_event":"2026-11-14T10:00:00.000Z","last_event":"2026-11-21T09:57:00.000Z","traces":2,"observations":5,\
    "errors":1,"tokens":\(tokens),"cost_usd":0.5,"latency_ms":{"p50":10,"p95":2000,"p99":2000.5},\
    "metadata":{"plan":"pro","org":{"name":"Acme"},"seats":3},"models":["gpt-4o","text-embedding-3-small"],"tags":["beta"],\
    "workflows":["chat"]
    """
  private static func trace(_ id: String) -> String {
    """
    {"trace_id":"\(id)","session_id":"s-1","end_user_id":"ada","name":"chat","timestamp":"2026-11-21T09:57:00.000Z",\
    "latency_ms":2000,"error":true,"observations":3,"errors":1,"tokens":\(tokens),"cost_usd":0.25,"metadata":{},\
    "models":["gpt-4o"],"tags":[]}
    """
  }

  @Test func `a user on a terminal`() throws {
    let user = """
      {"end_user_id":"ada","sessions":1,\(Self.summary),"days":[\
      {"date":"2026-11-14","traces":1,"observations":1,"errors":0,"tokens":\(Self.none),"cost_usd":null},\
      {"date":"2026-11-21","traces":4,"observations":4,"errors":1,"tokens":\(Self.tokens),"cost_usd":0.5}]}
      """
    let session =
      "{\"session_id\":\"s-1\",\"end_user_id\":\"ada\",\"conflicting_end_users\":false,\"duration_ms\":65000,\(Self.summary)}"
    let source = ScriptedLedger([
      "/api/v1/users/ada": user,
      "/api/v1/users/ada/sessions?limit=10": "{\"sessions\":[\(session)],\"next_cursor\":null}",
      "/api/v1/users/ada/traces?limit=10": "{\"traces\":[\(Self.trace("0123"))],\"next_cursor\":\"x\"}",
    ])
    #expect(
      try answer("user", "ada", from: source, on: .terminal(70)) == """
        ada
          first event   2026-11-14T10:00:00.000Z, 7 d ago
          last event    2026-11-21T09:57:00.000Z, 3 m ago
          traces        2
          sessions      1
          observations  5, 1 with an error
          tokens        1200 in all, 1000 input, 400 cache read, 200 output
          cost          $0.5000
          latency       p50 10 ms, p95 2.0 s, p99 2.0 s
          models        gpt-4o, text-embedding-3-small
          workflows     chat
          tags          beta
          metadata      plan=pro, org.name=Acme, seats=3

        DAYS
        DAY         TRACES  TOKENS     COST  ERRORS
        2026-11-14       1       -        -       0  █████
        2026-11-21       4    1200  $0.5000       1  ████████████████████

        SESSIONS
        SESSION  TRACES  TOKENS     COST  ERRORS    LENGTH  LAST EVENT
        s-1           2    1200  $0.5000       1  1 m 05 s     3 m ago

        TRACES (1 of 2)
        TRACE  NAME  SESSION  SPANS  TOKENS     COST  ERRORS   TOOK     WHEN
        0123   chat  s-1          3    1200  $0.2500       1  2.0 s  3 m ago

        """)
    let days = try answer("user", "ada", "--csv", from: source).split(separator: "\r\n")
    #expect(days.count == 3)
    #expect(days[2] == "2026-11-21,4,4,1,1000,200,1200,400,,,0.5")
  }

  @Test(arguments: [16, 20, 40, 80]) func `heads fit the terminal, whatever stands in them`(columns: Int) {
    let long = String(repeating: "漢x", count: 500)
    var details = Details(long)
    details.add("session", long)
    details.add("end user", [long, "but its roots name others too", long])
    let lines = details.text(on: .terminal(columns)).split(separator: "\n").map(String.init)
    #expect(lines.count == 5)
    #expect(lines.allSatisfy { PlainText.width($0) <= columns && !$0.hasSuffix("x") }, "\(lines)")
    #expect(details.text(on: .pipe).contains("  session   \(long)\n"))
  }

  @Test func `scores of a user, in all and by the day`() throws {
    let user = """
      {"end_user_id":"ada","sessions":0,\(Self.summary),"days":[],\
      "scores":{"a\\u001bb":{"mean":null,"count":1,"latest":"too \\u001b long"},\
      "helpful":{"mean":0.66666666,"count":12345,"latest":1},"safe":{"mean":-2,"count":1,"latest":-2}},\
      "score_days":[{"date":"2026-11-14","scores":{"helpful":{"mean":0.5,"count":2}}},\
      {"date":"2026-11-21","scores":{"helpful":{"mean":0.75,"count":4},"verdict":{"mean":null,"count":1}}}]}
      """
    let source = ScriptedLedger([
      "/api/v1/users/ada": user, "/api/v1/users/ada/sessions?limit=10": "{\"sessions\":[],\"next_cursor\":null}",
      "/api/v1/users/ada/traces?limit=10": "{\"traces\":[],\"next_cursor\":null}",
    ])
    let text = try answer("user", "ada", from: source)
    #expect(
      text.contains("\n  scores        a\\u{1b}b too \\u{1b} long (1), helpful 0.667 (12.3k), safe -2 (1)\n"), "\(text)"
    )
    #expect(
      text.hasSuffix(
        """
        SCORES
        DAY         NAME     MEAN  SCORES
        2026-11-14  helpful   0.5       2
        2026-11-21  helpful  0.75       4
        2026-11-21  verdict     -       1

        """), "\(text)")
  }

  @Test func `a list of scores`() throws {
    func score(_ name: String, _ value: String, _ label: String, _ user: String, _ comment: String) -> String {
      """
      {"score_id":"1","name":"\(name)","value":\(value),"label":\(label),"data_type":"numeric","source":"api",\
      "timestamp":"2026-11-21T09:57:00.000Z","trace_id":"0123","span_id":null,"session_id":"s","end_user_id":\(user),\
      "comment":\(comment),"environment":null,"metadata":{}}
      """
    }
    let rows = [
      score("helpful", "0.25", "null", "\"ada\"", "\"too long\""),
      score("verdict", "null", "\"good\"", "null", "null"), score("both", "123456", "\"high\"", "null", "null"),
    ]
    let source = ScriptedLedger([
      "/api/v1/scores?filter=score%3Ahelpful%20%3C%201&sort=value&limit=50":
        "{\"scores\":[\(rows.joined(separator: ","))],\"next_cursor\":null}"
    ])
    let words = ["--filter", "score:helpful < 1", "--sort", "value"]
    let list = try answer("scores", words[0], words[1], words[2], words[3], from: source, on: .terminal(100))
    #expect(
      list == """
        NAME     SCORE      USER  SESSION  TRACE  SPAN  SOURCE  COMMENT      WHEN
        helpful  0.25       ada   s        0123   -     api     too long  3 m ago
        verdict  good       -     s        0123   -     api     -         3 m ago
        both     123k high  -     s        0123   -     api     -         3 m ago

        """)
    let csv = try answer("scores", words[0], words[1], words[2], words[3], "--csv", from: source)
    #expect(
      csv.split(separator: "\r\n")[1] == "1,helpful,0.25,,numeric,api,2026-11-21T09:57:00.000Z,0123,,s,ada,too long,,{}"
    )
  }

  @Test func `a session that several end users claim`() throws {
    let session = """
      {"session_id":"s-1","end_user_id":"ada","conflicting_end_users":true,"duration_ms":65000,\(Self.summary),\
      "turns":[\(Self.trace("01")),\(Self.trace("02"))],"next_cursor":null}
      """
    let source = ScriptedLedger(["/api/v1/sessions/s-1?limit=50": session])
    #expect(
      try answer("session", "s-1", from: source) == """
        s-1
          end user      ada, but its roots name others too
          first event   2026-11-14T10:00:00.000Z
          last event    2026-11-21T09:57:00.000Z
          length        1 m 05 s
          traces        2
          observations  5, 1 with an error
          tokens        1200 in all, 1000 input, 400 cache read, 200 output
          cost          $0.5000
          latency       p50 10 ms, p95 2.0 s, p99 2.0 s
          models        gpt-4o, text-embedding-3-small
          workflows     chat
          tags          beta
          metadata      plan=pro, org.name=Acme, seats=3

        TURNS
        TRACE  NAME  SPANS  TOKENS     COST  ERRORS   TOOK                      WHEN
        01     chat      3    1200  $0.2500       1  2.0 s  2026-11-21T09:57:00.000Z
        02     chat      3    1200  $0.2500       1  2.0 s  2026-11-21T09:57:00.000Z

        """)
  }

  private static func span(
    _ name: String, _ kind: String, start: String, took: Double, error: String? = nil, model: String? = nil,
    children: [String] = []
  ) -> String {
    """
    {"span_id":"id-\(name)","parent_span_id":null,"name":"\(name)","kind":"\(kind)",\
    "start":"2026-11-21T09:57:\(start)Z","duration_ms":\(took),"status":"\(error == nil ? "ok" : "error")",\
    "status_message":\(error.map { "\"\($0)\"" } ?? "null"),"model":\(model.map { "\"\($0)\"" } ?? "null"),\
    "tokens":\(model == nil ? none : tokens),"cost_usd":\(model == nil ? "null" : "0.25"),\
    "children":[\(children.joined(separator: ","))]}
    """
  }

  private static let tree = """
    {"trace_id":"0123","session_id":null,"end_user_id":null,"name":"chat","timestamp":"2026-11-21T09:57:00.000Z",\
    "latency_ms":2000,"error":true,"observations":6,"errors":1,"tokens":\(tokens),"cost_usd":0.25,"metadata":{},\
    "models":["gpt-4o"],"tags":[],"omitted_observations":2,"spans":[\
    \(span("chat", "agent", start: "00.000", took: 2000, children: [
      span("search", "retriever", start: "00.000", took: 500, children: [span("embed", "embedding", start: "00.250", took: 0)]),
      span("answer", "llm", start: "01.000", took: 1000, error: "too\\nfast", model: "gpt-4o"),
    ])),\(span("later", "span", start: "01.950", took: 10))]}
    """

  @Test func `a trace is a tree of its spans`() throws {
    #expect(
      try answer("trace", "0123", from: ScriptedLedger(["/api/v1/traces/0123": Self.tree]))
        == """
        0123  chat
          end user      unknown
          started       2026-11-21T09:57:00.000Z
          took          2.0 s
          observations  6, 1 with an error
          tokens        1200 in all, 1000 input, 400 cache read, 200 output
          cost          $0.2500
          models        gpt-4o

        SPANS (4 of 6)
        SPAN         KIND         TOOK  FROM START TO END     TOKENS     COST  MODEL   STATUS
        chat         agent       2.0 s  ████████████████████
        ├─ search    retriever  500 ms  █████
        │  └─ embed  embedding    0 ms     █
        └─ answer    llm         1.0 s            ██████████    1200  $0.2500  gpt-4o  error: too\\nfast
        later        span        10 ms                     █

        """.replacing("4 of 6", with: "5 of 7"))
  }

  @Test func `a trace's spans as CSV say how deep they stand`() throws {
    let lines = try answer("trace", "0123", "--csv", from: ScriptedLedger(["/api/v1/traces/0123": Self.tree]))
      .split(separator: "\r\n")
    #expect(lines.map { $0.split(separator: ",")[0] } == ["depth", "0", "1", "2", "1", "0"])
    #expect(
      lines[4]
        == "1,id-answer,,answer,llm,2026-11-21T09:57:01.000Z,1000,error,\"too\nfast\",gpt-4o,1000,200,1200,400,,,0.25")
  }

  @Test func `a failed span is red, and a narrow terminal shows what matters`() throws {
    let text = try answer(
      "trace", "0123", from: ScriptedLedger(["/api/v1/traces/0123": Self.tree]), on: .terminal(50, colours: true))
    #expect(text.contains("\u{1B}[31m└─ answer\u{1B}[0m"))
    #expect(text.contains("$0.2500"))
    #expect(!text.contains("FROM START"))
  }

  @Test func `the deepest tree fits`() throws {
    var span = Self.span("leaf", "llm", start: "00.000", took: 1)
    for _ in 0..<200 { span = Self.span("node", "span", start: "00.000", took: 1, children: [span]) }
    let trace = Self.tree.prefix(while: { $0 != "[" }) + "[],\"tags\":[],\"spans\":[\(span)]}"
    let text = try answer(
      "trace", "0123", from: ScriptedLedger(["/api/v1/traces/0123": String(trace)]), on: .terminal(60))
    #expect(text.contains("└─ leaf"))
    for line in text.split(separator: "\n") { #expect(PlainText.width(String(line)) <= 60) }
  }

  @Test func `the overview`() throws {
    func top(_ count: Int) -> String {
      "[" + (0..<count).map { "{\"end_user_id\":\"u\($0)\",\"sessions\":1,\(Self.summary)}" }.joined(separator: ",")
        + "]"
    }
    let buckets = """
      {"buckets":[{"from":0,"to":0.5,"users":3},{"from":0.5,"to":null,"users":1}],"unknown":2}
      """
    let overview = """
      {"totals":{"users":6,"sessions":7,"traces":8,"anonymous_traces":1,"first_event":null,"last_event":null,\
      "observations":5,"errors":0,"tokens":\(Self.none),"cost_usd":null,"latency_ms":{"p50":null,"p95":null,"p99":null}},\
      "distribution":{"tokens":{"buckets":[],"unknown":0},"traces":{"buckets":[],"unknown":0},"cost_usd":\(buckets)},\
      "top_users":{"tokens":[],"traces":[],"cost_usd":\(top(7))},"unpriced_models":[{"model":"mine","calls":12000}]}
      """
    let text = try answer("overview", from: ScriptedLedger(["/api/v1/overview": overview]), on: .terminal(55))
    #expect(
      text.hasPrefix(
        """
        Overview
          users         6
          sessions      7
          traces        8, 1 without an end user
          observations  5
          tokens        unknown
          cost          unknown
          no price for  mine (12.0k calls)

        USERS BY COST
           COST                 USERS
             $0  up to $0.5000      3  ████████████████████
        $0.5000  and more           1  ██████▋
        unknown                     2  █████████████▍

        MOST COST
        USER  TRACES  TOKENS     COST  ERRORS  LAST EVENT
        u0         2    1200  $0.5000       1     3 m ago

        """))
    #expect(text.contains("\nu4 ") && !text.contains("\nu5 "))
    #expect(!text.contains("TOKENS\n"))
  }

  /// A user who has so many traces, a page of whose lists holds a thousand rows.
  private static func crowd(_ count: Int) -> ScriptedLedger {
    ScriptedLedger { target in
      if target.hasPrefix("/api/v1/users/ada/sessions") { return "{\"sessions\":[],\"next_cursor\":null}" }
      guard target.hasPrefix("/api/v1/users/ada/traces") else {
        return "{\"end_user_id\":\"ada\",\(summary.replacing("\"traces\":2", with: "\"traces\":\(count)")),\"days\":[]}"
      }
      let query = Dictionary(
        target.split(separator: "?")[1].split(separator: "&").map { $0.split(separator: "=") }.map {
          ($0[0], Int($0[1]) ?? 0)
        }, uniquingKeysWith: { $1 })
      let first = query["cursor"] ?? 0
      let rows = (first..<min(first + (query["limit"] ?? 0), count)).map { trace("t\($0)") }
      let next = first + rows.count < count ? "\"\(first + rows.count)\"" : "null"
      return "{\"traces\":[\(rows.joined(separator: ","))],\"next_cursor\":\(next)}"
    }
  }

  @Test(arguments: [
    (["--all"], 2345, "TRACES\n", ["1000", "1000", "1000"]),
    (["--limit", "1500"], 1500, "TRACES (1500 of 2345)\n", ["1000", "500"]),
    (["--limit", "9999", "--since", "7d"], 2345, "TRACES\n", ["1000", "1000", "1000"]),
    (["--limit", "1000"], 1000, "TRACES (1000 of 2345)\n", ["1000"]),
    ([], 10, "TRACES (10 of 2345)\n", ["10"]),
    (["--until", "7d"], 10, "TRACES (the first 10)\n", ["10"]),
  ])
  func `a user's lists go on until there are enough rows`(
    options: [String], count: Int, title: String, limits: [String]
  ) throws {
    let source = Self.crowd(2345)
    let paper = try Paper()
    let command = try LedgerCommand(.user, ["ada"] + options, now: Screen.now)
    try Answer(command, source, .pipe, paper.output).write()
    let text = paper.text
    #expect(text.contains("\n" + title))
    let rows = text.split(separator: "\n").filter { $0.hasPrefix("t") && $0.dropFirst().first?.isNumber == true }
    #expect(rows.count == count)
    #expect(Set(rows.compactMap { $0.split(separator: " ").first }).count == count)
    let asked = source.asked.filter { $0.contains("/traces?") }
    #expect(asked.compactMap { $0.firstMatch(of: #/limit=(\d+)/#).map { String($0.1) } } == Array(limits))
  }

  private let whole = ScriptedLedger { target in
    switch target {
    case "/api/v1/traces/0123ab?bodies=true":
      "{\"trace_id\":\"0123ab\",\"spans\":[],\"bodies\":{\"resourceSpans\": [1.5, \"a\"]},\"next_cursor\":\"x\"}"
    case "/api/v1/traces/0123ab?bodies=true&cursor=x":
      "{\"trace_id\":\"0123ab\",\"spans\":[],\"bodies\":{\"resourceSpans\":[2]},\"next_cursor\":null}"
    case "/api/v1/traces/012300?bodies=true": "{\"bodies\":{\"resourceSpans\":[]},\"next_cursor\":null}"
    default: throw LedgerFault.notFound
    }
  }

  @Test func `the whole spans of a trace are requests, a page a line`() throws {
    #expect(
      try answer("trace", "0123AB", "--bodies", from: whole) == """
        {"resourceSpans":[1.5,"a"]}
        {"resourceSpans":[2]}

        """)
    #expect(try answer("trace", "012300", "--bodies", from: whole).isEmpty)
    let pages = try answer("trace", "0123ab", "--bodies", "--json", from: whole)
    #expect(pages.split(separator: "\n").count == 2)
    #expect(pages.contains("\"next_cursor\":\"x\"}\n"))
  }
}
