extension LedgerCommand {
  /// The commands, a line each, as the program's help lists them.
  package static let summary = """
      users         end users; `users forget ID` erases one
      user ID       an end user: totals, days, latest sessions and traces
      sessions      sessions
      session ID    a session, with its traces in order
      traces        traces
      trace ID      a trace: the tree of its spans, with times, tokens and cost
      scores        scores of traces, spans and sessions
      overview      the whole ledger at a glance
    """

  /// What `heirloom help NAME` prints.
  package static func help(_ name: Name) -> String {
    switch name {
    case .users:
      help("users [options]", "Lists end users.", [choice, forms, places], keys: summaryKeys + ["sessions", "id"]) + """

        usage: heirloom users forget ID [--yes] [--json]

        Erases what the ledger has of an end user, and refuses spans with that id from then on (or takes them in under
        a pseudonym, as the configuration says). It says what was erased, and where copies may remain. Without a terminal
        to ask on it wants --yes.

        """
    case .user:
      help(
        "user ID [options]",
        "Shows an end user: what all traces and scores come to, day by day, and the latest sessions and\n"
          + "traces.\n"
          + "--since and --until choose days, sessions and traces. With --filter or --sort, it lists the user's traces.\n"
          + "As CSV, it lists the days.",
        [choice, forms, places], keys: traceKeys)
    case .sessions:
      help("sessions [options]", "Lists sessions.", [choice, forms, places], keys: summaryKeys + ["duration", "id"])
    case .session:
      help(
        "session ID [options]",
        "Shows a session: what its traces come to, and these traces in order. The options choose among the traces.",
        [choice, forms, places], keys: traceKeys)
    case .traces:
      help("traces [options]", "Lists traces.", [choice, forms, places], keys: traceKeys)
    case .scores:
      help(
        "scores [options]",
        "Lists scores: what people and evaluators think of traces, spans and sessions. Times are those of the scores.",
        [choice, forms, places], keys: ["timestamp", "value", "name", "id"])
    case .trace:
      help(
        "trace ID [options]",
        "Shows a trace: the tree of its spans, with times, tokens and cost.\n"
          + "Tokens and cost stand at the spans where they count. Of its ID, the first 6 digits or more may do.\n"
          + "With --filter, --sort, --since or --until, it lists the spans that match.",
        [
          "  --filter TEXT       only spans that match, as in 'model contains gpt and cost > 0.5'",
          "  --sort KEY          the largest or latest first, names from A; KEY:asc or KEY:desc turns it",
          bounds,
          "  --limit N           so many spans, or rows of each table",
          "  --bodies            instead: the spans that were kept whole (`span_bodies`), as they came: requests in\n"
            + "                      OTLP/JSON, one a line",
          "  --why               instead: where its end user and session come from, what of its spans they replaced,\n"
            + "                      and what has no effect",
          forms, places,
        ], keys: ["timestamp", "latency", "tokens", "cost", "name"])
    case .overview:
      help(
        "overview [options]",
        "Shows the whole ledger at a glance: totals, how users are distributed, and those with the most.",
        [bounds, "  --json              the API's answer, as it is", places])
    }
  }

  private static func help(
    _ usage: String, _ what: String, _ options: [String], keys: [String] = []
  ) -> String {
    let sorting = keys.isEmpty ? "" : "\nkeys of --sort: \(keys.joined(separator: ", "))\n"
    return "usage: heirloom \(usage)\n\n\(what)\n\noptions:\n\(options.joined(separator: "\n"))\n\(sorting)"
  }

  private static let summaryKeys = [
    "last_event", "first_event", "traces", "observations", "errors", "tokens", "cost", "latency",
  ]
  private static let traceKeys = ["timestamp", "observations", "errors", "tokens", "cost", "latency", "name", "id"]

  private static let choice = """
      --filter TEXT       only those that match, as in 'model contains gpt and cost > 0.5'
      --sort KEY          the largest or latest first, names from A; KEY:asc or KEY:desc turns it
      --limit N           so many; without it what a person can read
      --all               all there are
    """ + "\n" + bounds

  private static let bounds = """
      --since TIME        active at this time or later: 2026-11-21T09:30:00Z, 2026-11-21 (midnight in UTC), or back
                          from now: 7d, 24h, 30m
      --until TIME        active before this time
    """

  private static let forms = """
      --json              the API's answers, as they are, a page a line
      --csv               comma-separated values with a line of titles
    """

  private static let places = """
      --ledger PATH       the ledger's file
      --url URL           a running collector, as in http://127.0.0.1:4319; over https,
                          HEIRLOOM_LEDGER_CA_FILE names authorities to trust
      --token TEXT        what the collector wants; else HEIRLOOM_LEDGER_TOKEN
      --config FILE       takes the ledger from a configuration; --set as usual
                          Without any of these: heirloom-data/ledger.db.
    """
}
