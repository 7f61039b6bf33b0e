import Testing

@testable import Terminal

/// `heirloom trace ID --why`.
@Suite struct WhyTests {
  private static func trace(_ why: String, user: String = "\"ada\"") -> String {
    """
    {"trace_id":"0123456789abcdef0123456789abcdef","session_id":"s-1","end_user_id":\(user),"name":"chat",\
    "timestamp":"2026-11-21T09:57:00.000Z","spans":[{"span_id":"0000000000000001","name":"chat","children":[\
    {"span_id":"0000000000000002","name":"search","children":[]}]}],"why":\(why)}
    """
  }

  private static let root = """
    {"end_user":{"source":"root","span_id":"0000000000000001","key":"enduser.id","convention":"otel",\
    "accepted_at":"2026-11-21T09:57:02.000Z","trace_id":null},\
    "session":{"source":"topmost","span_id":"0000000000000002","key":"tenant.chat","convention":null,"accepted_at":null,\
    "trace_id":null},"metadata":null,"unattributed":null,"has_root":true,"replaced":[\
    {"span_id":"0000000000000002","of":"end_user","key":"enduser.id","value":"mallory","replacement":"ada"},\
    {"span_id":"0000000000000002","of":"end_user","key":"langfuse.user.id","value":"m","replacement":null}],\
    "unused":[{"span_id":"0000000000000002","of":"end_user","key":"user.id","value":"op","reason":"kept"},\
    {"span_id":"00000000000000ff","of":"end_user","key":"gen_ai.user","value":null,"reason":"wrong_type"}],"complete":true}
    """

  private static func source(_ why: String, user: String = "\"ada\"") -> ScriptedLedger {
    ScriptedLedger(["/api/v1/traces/0123?why=true": trace(why, user: user)])
  }

  @Test func `where a trace's identity comes from, and what gave way`() throws {
    #expect(
      try answer("trace", "0123", "--why", from: Self.source(Self.root), on: .terminal(110)) == """
        0123456789abcdef0123456789abcdef  chat
          end user  ada, from the root, 0000000000000001 chat, enduser.id (otel), accepted 2026-11-21T09:57:02.000Z
          session   s-1, from the topmost span that names one, 0000000000000002 search, tenant.chat

        REPLACED
        SPAN              NAME    KEY               VALUE    BECAME
        0000000000000002  search  enduser.id        mallory  ada
        0000000000000002  search  langfuse.user.id  m        removed

        WITHOUT EFFECT
        SPAN              NAME    KEY          VALUE  WHY
        0000000000000002  search  user.id      op     may mean something else: stays
        00000000000000ff          gen_ai.user  -      neither a text nor a number

        """)
    #expect(
      try answer("trace", "0123", "--why", "--limit", "1", from: Self.source(Self.root)).contains(
        "\nREPLACED (1 of 2)\n"))
  }

  @Test func `why nobody is known, or only by the session`() throws {
    func nobody(_ reason: String, root: Bool, endUser: String = "null", complete: Bool = true) throws -> String {
      try answer(
        "trace", "0123", "--why",
        from: Self.source(
          """
          {"end_user":\(endUser),"session":{"source":"trace","span_id":null,"key":null,"convention":null,\
          "accepted_at":null,"trace_id":null},"metadata":null,"unattributed":"\(reason)","has_root":\(root),\
          "replaced":[],"unused":[],"complete":\(complete)}
          """, user: endUser == "null" ? "null" : "\"ada\""))
    }
    let heading = "0123456789abcdef0123456789abcdef  chat\n"
    #expect(
      try nobody("fallback_none", root: false) == heading + """
          end user  no root came, and spans below it are not asked (fallback: none)
          session   s-1, the trace is its own

        """)
    #expect(
      try nobody(
        "nobody_named", root: true,
        endUser: """
          {"source":"session","span_id":null,"key":null,"convention":null,"accepted_at":null,"trace_id":"00ff"}
          """, complete: false) == heading + """
            itself    the root names nobody, and no other span does
            end user  ada, from its session, trace 00ff names it
            session   s-1, the trace is its own
            unknown   some of its spans came before the ledger kept by which key they name somebody

          """)
    for reason in ["unusable_value", "below_root", "only_operator"] {
      #expect(!(try nobody(reason, root: true)).contains(reason))
    }
  }

  @Test func `as JSON it is the API's answer`() throws {
    let json = try answer("trace", "0123", "--why", "--json", from: Self.source(Self.root))
    #expect(json == Self.trace(Self.root) + "\n")
  }

  @Test func `what it can't be combined with`() throws {
    for other in ["--bodies", "--csv"] {
      #expect(throws: LedgerCommand.Misuse.self) { try LedgerCommand(.trace, ["0123", "--why", other]) }
    }
    #expect(throws: LedgerCommand.Misuse.self) { try LedgerCommand(.traces, ["--why"]) }
  }

  @Test func `a collector that doesn't say why is older`() {
    let source = ScriptedLedger(["/api/v1/traces/0123?why=true": "{\"trace_id\":\"0123\",\"spans\":[]}"])
    #expect(throws: LedgerFault.self) { try answer("trace", "0123", "--why", from: source) }
  }
}
