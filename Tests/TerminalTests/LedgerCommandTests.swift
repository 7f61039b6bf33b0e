import Testing

@testable import Terminal

@Suite struct LedgerCommandTests {
  private let now = Moment("2026-11-21T10:00:00Z")!

  private func command(_ words: String...) throws -> LedgerCommand {
    try LedgerCommand(try #require(LedgerCommand.Name(rawValue: words[0])), Array(words.dropFirst()), now: now)
  }

  @Test func `the words say what is asked`() throws {
    #expect(try command("users").subject == .users)
    #expect(try command("user", "ada").subject == .user("ada"))
    #expect(try command("sessions").subject == .sessions)
    #expect(try command("session", "s 1").subject == .session("s 1"))
    #expect(try command("traces").subject == .traces)
    #expect(try command("trace", "ABCDEF").subject == .trace("abcdef"))
    #expect(try command("overview").subject == .overview)
    #expect(try command("users", "forget", "ada").subject == .forget("ada"))
  }

  @Test func `options stand anywhere, with one dash or two`() throws {
    let command = try command(
      "user", "--filter=model is gpt-4o", "-sort", "cost:asc", "ada", "--limit", "7", "--json", "--since", "7d",
      "-until=2026-11-20", "--url", "http://h:1", "--token", "t", "--config", "a", "--config=b", "--set", "c=d=e")
    #expect(command.subject == .user("ada"))
    #expect(command.filter == "model is gpt-4o")
    #expect(command.sort == "cost:asc")
    #expect(command.limit == 7)
    #expect(command.form == .json)
    #expect(command.since == "2026-11-14T10:00:00Z")
    #expect(command.until == "2026-11-20T00:00:00Z")
    #expect(command.url == "http://h:1")
    #expect(command.token == "t")
    #expect(command.configs == ["a", "b"])
    #expect(command.settings == ["c=d=e"])
    #expect(command.namesLedger)
  }

  @Test func `behind two dashes everything is a word, and so is one dash`() throws {
    #expect(try command("user", "--json", "--", "--csv").subject == .user("--csv"))
    #expect(try command("users", "forget", "--yes", "--", "-x").subject == .forget("-x"))
    #expect(try command("user", "-").subject == .user("-"))
  }

  @Test func `help is wanted whatever else is missing`() throws {
    #expect(try command("user", "--help").wantsHelp)
    #expect(try command("users", "-h").wantsHelp)
  }

  @Test(arguments: [
    (["user"], "user needs an id"), (["session"], "session needs an id"), (["trace"], "trace needs an id"),
    (["users", "forget"], "users forget needs the id of an end user"), (["user", ""], "an id is not empty"),
    (["traces", "--bodies"], "traces has no --bodies"),
    (["trace", "abcdef", "--bodies", "--csv"], "--bodies and --csv exclude one another"),
    (["users", "ada"], "unknown argument \"ada\""), (["user", "a", "b"], "unknown argument \"b\""),
    (["users", "forget", "a", "b"], "unknown argument \"b\""), (["users", "--frob"], "unknown argument \"--frob\""),
    (["users", "--filter"], "--filter needs a value"), (["users", "--json=1"], "--json takes no value"),
    (["users", "--limit", "0"], "--limit needs a number above 0, not \"0\""),
    (["users", "--limit", "+5"], "--limit needs a number above 0, not \"+5\""),
    (["users", "--limit", "many"], "--limit needs a number above 0, not \"many\""),
    (["users", "--json", "--csv"], "--json and --csv exclude one another"),
    (["users", "--all", "--limit=1"], "--limit and --all exclude one another"),
    (["users", "--ledger=a", "--url=b"], "--ledger and --url exclude one another"),
    (["users", "--yes"], "users has no --yes"),
    (["users", "forget", "a", "--filter=b"], "users forget has no --filter"),
    (["trace", "a", "--yes"], "trace has no --yes"),
    (["trace", "a", "--filter=error", "--why"], "--filter and --why exclude one another"),
    (["trace", "a", "--sort=cost", "--bodies"], "--sort and --bodies exclude one another"),
    (["overview", "--csv"], "overview has no --csv"),
    (
      ["traces", "--since", "yesterday"],
      "--since needs a time (2026-11-21T09:30:00Z), a date (2026-11-21) or a span back from now (7d, 24h, 30m),"
        + " not \"yesterday\""
    ),
  ])
  func `what makes no sense is named`(words: [String], message: String) {
    let name = LedgerCommand.Name(rawValue: words[0])!
    #expect(throws: LedgerCommand.Misuse(message: message)) {
      try LedgerCommand(name, Array(words.dropFirst()), now: now)
    }
  }

  @Test(arguments: LedgerCommand.Name.allCases)
  func `the help of a command names it, and the summary names every command`(name: LedgerCommand.Name) {
    #expect(LedgerCommand.help(name).hasPrefix("usage: heirloom \(name.rawValue) "))
    #expect(
      LedgerCommand.summary.contains("\n  \(name.rawValue) ") || LedgerCommand.summary.hasPrefix("  \(name.rawValue) "))
    for line in LedgerCommand.help(name).split(separator: "\n") { #expect(line.count <= 120) }
  }
}
