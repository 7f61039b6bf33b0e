import JSON

extension Answer {
  private static let topUsers = 5

  /// The whole ledger at a glance.
  func overview() throws {
    let bytes = try source.get(bounded(LedgerRequest("overview")))
    if command.form == .json { return try write(json: bytes) }
    let overview = try Self.parse(bytes)
    guard let totals = overview.at("totals") else { return }
    var details = Details("Overview")
    addTimes(of: totals, to: &details)
    details.add("users", Readable.count(totals.count("users")))
    details.add("sessions", Readable.count(totals.count("sessions")))
    let anonymous = totals.count("anonymous_traces") ?? 0
    details.add(
      "traces",
      [Readable.count(totals.count("traces"))]
        + (anonymous > 0 ? ["\(Readable.count(anonymous)) without an end user"] : []))
    details.addTotals(of: totals)
    details.add("latency", latency(of: totals))
    details.add(
      "no price for",
      overview.rows("unpriced_models").map {
        "\($0.text("model") ?? "") (\(Readable.count($0.count("calls"))) calls)"
      })
    try output.write(details.text(on: screen))
    for (key, word) in [("cost_usd", "COST"), ("tokens", "TOKENS"), ("traces", "TRACES")] {
      guard let distribution = overview.at("distribution", key), let top = overview.at("top_users", key) else {
        continue
      }
      let title = "USERS BY \(word)"
      try section(title, histogram(distribution, word, isMoney: key == "cost_usd"))
      try section("MOST \(word)", Listing.users.text(Array(top.elements.prefix(Self.topUsers)), on: screen))
    }
  }

  /// How many users have how much: a bar each.
  private func histogram(_ distribution: JSONValue, _ word: String, isMoney: Bool) -> String {
    func amount(_ value: Double) -> String {
      isMoney ? Readable.dollars(value) : Readable.count(Int64(min(value, 9e18)))
    }
    let buckets = distribution.rows("buckets")
    let unknown = distribution.number("unknown") ?? 0
    let most = max(buckets.compactMap { $0.number("users") }.max() ?? 0, unknown)
    var rows = buckets.map { bucket in
      let from = amount(bucket.number("from") ?? 0)
      let to = bucket.number("to").map { "up to \(amount($0))" } ?? "and more"
      return [Table.Cell(from), Table.Cell(to)] + figures(bucket.number("users") ?? 0, of: most)
    }
    if unknown > 0 { rows.append(["unknown", ""] + figures(unknown, of: most)) }
    guard !rows.isEmpty else { return "" }
    let table = Table(columns: [
      Table.Column(title: word, alignment: .right), Table.Column(title: ""),
      Table.Column(title: "USERS", alignment: .right), Table.Column(title: "", rank: 1),
    ])
    return table.text(rows, on: screen)
  }

  private func figures(_ users: Double, of most: Double) -> [Table.Cell] {
    [Table.Cell(Readable.count(Int64(users))), Table.Cell(Bars.amount(users, of: most, width: 20), .dim)]
  }
}
