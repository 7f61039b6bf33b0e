import JSON

extension Answer {
  /// Sessions and traces of one user when nobody says how many.
  private static let latest = 10
  /// Days that are shown.
  private static let shownDays = 14

  /// An end user: what it comes to, day by day, and its latest sessions and traces.
  func user(_ id: String) throws {
    let bytes = try source.get(bounded(LedgerRequest("users", id)))
    if command.form == .json { return try write(json: bytes) }
    let user = try Self.parse(bytes)
    let days = user.rows("days")
    if command.form == .csv {
      return try write(csv: days.reduce(Listing.days.csvHeader) { $0 + Listing.days.csvLine($1) })
    }
    var details = Details(user.text("end_user_id") ?? id)
    addTimes(of: user, to: &details)
    details.add("traces", Readable.count(user.count("traces")))
    details.add("sessions", Readable.count(user.count("sessions")))
    details.addTotals(of: user)
    details.add("latency", latency(of: user))
    details.addLabels(of: user)
    try output.write(details.text(on: screen))
    try section("DAYS", Self.daysText(days, on: screen), shown: min(days.count, Self.shownDays), of: days.count)
    let scoreDays = user.rows("score_days")
    try section(
      "SCORES", scoresText(scoreDays), shown: min(scoreDays.count, Self.shownDays), of: scoreDays.count)
    for (title, listing) in [("SESSIONS", Listing.sessions), ("TRACES", Listing.traces)] {
      try latest(listing, of: user, id, under: title)
    }
  }

  /// The latest sessions or traces of an end user.
  private func latest(_ listing: Listing, of user: JSONValue, _ id: String, under title: String) throws {
    let wanted = command.wantsAll ? Int.max : command.limit ?? Self.latest
    let fitsPage = wanted <= Self.largestPage
    let count = command.since == nil && command.until == nil ? user.count(listing.key).map { Int($0) } : nil
    var writer = ListWriter(listing, without: ["USER"], answer: self)
    let hasMore = try pages(LedgerRequest("users", id, listing.key), wanted) { page, bytes, isFirst in
      let rows = page.rows(listing.key)
      if isFirst, !rows.isEmpty {
        let isCut = page.text("next_cursor") != nil && !command.wantsAll
        let shown = fitsPage ? rows.count : min(wanted, count ?? wanted)
        // Whether the pages to come are the last ones is not known yet: a note at the end says it.
        try heading(title, shown: shown, of: !isCut ? shown : count ?? (fitsPage ? Int.max : shown))
      }
      let written = try writer.write(rows, bytes)
      return fitsPage ? wanted : written
    }
    if !fitsPage { try writer.end(hasMore: hasMore) }
  }

  private static func daysText(_ days: [JSONValue], on screen: Screen) -> String {
    let days = Array(days.suffix(shownDays))
    guard !days.isEmpty else { return "" }
    let most = days.compactMap { $0.number("traces") }.max() ?? 0
    let (columns, fields) = Listing.days.table()
    let table = Table(columns: columns.columns + [Table.Column(title: "", rank: 9)])
    return table.text(
      days.map { day in
        fields.map { $0.cell(day, screen) }
          + [Table.Cell(Bars.amount(day.number("traces") ?? 0, of: most, width: 20), .dim)]
      }, on: screen)
  }

  /// The scores of days, a line for each name.
  private func scoresText(_ days: [JSONValue]) -> String {
    let rows = days.suffix(Self.shownDays).flatMap { day in
      (day.at("scores")?.members.map { (String(decoding: $0, as: UTF8.self), $1) } ?? []).map { name, summary in
        [
          Table.Cell(day.text("date") ?? ""), Table.Cell(name),
          Table.Cell(summary.number("mean").map(Readable.score) ?? Readable.unknown),
          Table.Cell(Readable.count(summary.count("count"))),
        ]
      }
    }
    guard !rows.isEmpty else { return "" }
    let table = Table(columns: [
      Table.Column(title: "DAY"), Table.Column(title: "NAME", minimum: 10),
      Table.Column(title: "MEAN", alignment: .right), Table.Column(title: "SCORES", alignment: .right),
    ])
    return table.text(rows, on: screen)
  }

  /// A session: what it comes to, and its turns.
  func session(_ id: String) throws {
    try list(.turns, LedgerRequest("sessions", id), without: ["USER", "SESSION"]) { session in
      var details = Details(session.text("session_id") ?? id)
      let isDisputed = session.at("conflicting_end_users")?.bool == true
      let owner = session.text("end_user_id") ?? "unknown"
      details.add("end user", isDisputed ? [owner, "but its roots name others too"] : [owner])
      addTimes(of: session, to: &details)
      details.add("length", Readable.duration(session.number("duration_ms")))
      details.add("traces", Readable.count(session.count("traces")))
      details.addTotals(of: session)
      details.add("latency", latency(of: session))
      details.addLabels(of: session)
      try output.write(details.text(on: screen) + "\nTURNS\n")
    }
  }

  /// A trace: what it comes to, and the tree of its spans.
  func trace(_ id: String) throws {
    if command.wantsBodies { return try bodies(of: id) }
    var request = bounded(LedgerRequest("traces", id))
    request.ask("filter", command.filter)
    request.ask("sort", command.sort)
    let isList = !request.parameters.isEmpty
    if command.wantsWhy { request.ask("why", "true") }
    let bytes = try source.get(request)
    if command.form == .json { return try write(json: bytes) }
    let trace = try Self.parse(bytes)
    let limit = command.limit ?? Int.max
    if command.wantsWhy { return try why(trace, id, limit: limit) }
    let tree = TraceTree(trace)
    if command.form == .csv { return try write(csv: tree.csv(limit: limit)) }
    var details = Details(heading(of: trace, id))
    details.add("end user", trace.text("end_user_id") ?? "unknown")
    details.add("session", trace.text("session_id"))
    details.add("started", time(trace.text("timestamp")))
    details.add("took", Readable.duration(trace.number("latency_ms")))
    details.addTotals(of: trace)
    details.addLabels(of: trace)
    try output.write(details.text(on: screen))
    if isList, tree.count == 0 { Terminal.note("no span of it matches") }
    // Those that are not in the tree can't be chosen.
    let omitted = isList ? 0 : Int(trace.count("omitted_observations") ?? 0)
    try section(
      "SPANS", tree.text(limit: limit, on: screen), shown: min(tree.count, limit), of: tree.count + omitted)
  }

  /// Why a trace is whose it is.
  private func why(_ trace: JSONValue, _ id: String, limit: Int) throws {
    guard let why = TraceWhy(trace) else {
      throw LedgerFault.failed("the collector is older than this command, and does not say why")
    }
    var details = Details(heading(of: trace, id))
    why.addSources(to: &details)
    try output.write(details.text(on: screen))
    try section(
      "REPLACED", why.replacedText(limit: limit, on: screen), shown: min(why.replacedCount, limit),
      of: why.replacedCount)
    try section(
      "WITHOUT EFFECT", why.unusedText(limit: limit, on: screen), shown: min(why.unusedCount, limit),
      of: why.unusedCount)
  }

  private func heading(of trace: JSONValue, _ id: String) -> String {
    (trace.text("trace_id") ?? id) + (trace.text("name").map { "  " + $0 } ?? "")
  }

  /// The spans of a trace that were kept whole, as they came.
  private func bodies(of id: String) throws {
    var cursor: String?
    repeat {
      var request = LedgerRequest("traces", id)
      request.ask("bodies", "true")
      request.ask("cursor", cursor)
      let bytes = try source.get(request)
      let page = try Self.parse(bytes)
      let isFirst = cursor == nil
      cursor = page.text("next_cursor")
      if command.form == .json {
        try write(json: bytes)
      } else if let spans = page.at("bodies"), !spans.rows("resourceSpans").isEmpty {
        var text = JSONText()
        text.value(spans)
        try write(json: text.bytes)
      } else if isFirst, cursor == nil {
        Terminal.note("no span of it was kept whole; the ledger's span_bodies does that")
      }
    } while cursor != nil
  }

  /// What follows the details, under a line that says what it is and whether it is all.
  func section(_ title: String, _ text: String, shown: Int = 0, of count: Int = 0) throws {
    guard !text.isEmpty else { return }
    try heading(title, shown: shown, of: count)
    try output.write(text)
  }

  private func heading(_ title: String, shown: Int, of count: Int) throws {
    let part = shown >= count ? "" : count == Int.max ? " (the first \(shown))" : " (\(shown) of \(count))"
    try output.write("\n\(title)\(part)\n")
  }

  func addTimes(of document: JSONValue, to details: inout Details) {
    details.add("first event", time(document.text("first_event")))
    details.add("last event", time(document.text("last_event")))
  }

  /// A time and, for a person, how long ago that was.
  private func time(_ text: String?) -> [String] {
    guard let text else { return [] }
    let ago = screen.time(text)
    // A time long ago is told by its day, which stands there already.
    return text.hasPrefix(ago) ? [text] : [text, ago]
  }

  func latency(of document: JSONValue) -> [String] {
    ["p50", "p95", "p99"].compactMap { key in
      document.number("latency_ms", key).map { "\(key) \(Readable.duration($0))" }
    }
  }
}
