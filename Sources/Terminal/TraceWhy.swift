import JSON

/// Why a trace is whose it is: where its identity comes from, what had to give way, and what has no effect.
struct TraceWhy {
  private let why: JSONValue
  private let trace: JSONValue
  /// Names of the spans, by their ids.
  private let names: [String: String]

  /// - Parameter trace: the API's document of one, with `why`; nil without it.
  init?(_ trace: JSONValue) {
    guard let why = trace.at("why"), why.kind == .object else { return nil }
    self.why = why
    self.trace = trace
    var names: [String: String] = [:]
    // No recursion: how deep a tree is, is up to whoever sent it.
    var open = trace.rows("spans")
    while let span = open.popLast() {
      if let id = span.text("span_id") { names[id] = span.text("name") }
      open += span.rows("children")
    }
    self.names = names
  }

  var replacedCount: Int { why.rows("replaced").count }
  var unusedCount: Int { why.rows("unused").count }

  // MARK: Where from

  /// One sentence a line, in the order of what is asked first.
  func addSources(to details: inout Details) {
    if let reason = why.text("unattributed") {
      details.add(why.at("end_user")?.kind == .object ? "itself" : "end user", nobody(reason))
    }
    for (key, label) in [("end_user", "end user"), ("session", "session"), ("metadata", "metadata")] {
      guard let origin = why.at(key), origin.kind == .object else { continue }
      details.add(label, pieces(of: origin, valued: key == "metadata" ? nil : trace.text(key + "_id")))
    }
    if why.at("complete")?.bool == false {
      details.add("unknown", "some of its spans came before the ledger kept by which key they name somebody")
    }
  }

  private func pieces(of origin: JSONValue, valued value: String?) -> [String] {
    let source = origin.text("source") ?? ""
    let key = origin.text("key").map { key in key + (origin.text("convention").map { " (\($0))" } ?? "") }
    let span = origin.text("span_id").map { self.span($0) }
    let accepted = origin.text("accepted_at").map { "accepted " + $0 }
    let other = origin.text("trace_id").map { "trace \($0) names it" }
    return [value, Self.sources[source] ?? source, span, key, accepted, other].compactMap { $0 }
  }

  private static let sources = [
    "root": "from the root", "local_root": "from a local root: no root came",
    "topmost": "from the topmost span that names one", "resource": "from the root's resource",
    "session": "from its session", "trace": "the trace is its own",
  ]

  private func nobody(_ reason: String) -> [String] {
    let root = why.at("has_root")?.bool == true ? "the root names nobody" : "no root came"
    return [root, Self.reasons[reason] ?? reason]
  }

  private static let reasons = [
    "nobody_named": "and no other span does",
    "fallback_none": "and spans below it are not asked (fallback: none)",
    "unusable_value": "and what stands under the keys is empty, too long or of a wrong type",
    "below_root": "and keys that bind to roots stand on other spans",
    "only_operator": "and user.id on spans of neatlogs is who runs the SDK",
  ]

  private func span(_ id: String) -> String { id + (names[id].map { " " + $0 } ?? "") }

  // MARK: What gave way

  func replacedText(limit: Int, on screen: Screen) -> String {
    let rows = why.rows("replaced").prefix(limit)
    guard !rows.isEmpty else { return "" }
    return Self.table("BECAME").text(
      rows.map { row in
        cells(row, Table.Cell(row.text("replacement") ?? "removed", row.text("replacement") == nil ? .dim : .plain))
      }, on: screen)
  }

  func unusedText(limit: Int, on screen: Screen) -> String {
    let rows = why.rows("unused").prefix(limit)
    guard !rows.isEmpty else { return "" }
    return Self.table("WHY").text(
      rows.map { row in
        let reason = row.text("reason") ?? ""
        return cells(row, Table.Cell(Self.faults[reason] ?? reason))
      }, on: screen)
  }

  private static let faults = [
    "empty": "empty", "too_long": "too long", "wrong_type": "neither a text nor a number",
    "below_root": "counts on roots alone", "operator": "is who runs the SDK", "fallback_none": "fallback: none",
    "later_key": "another key goes before it", "kept": "may mean something else: stays",
  ]

  private static func table(_ last: String) -> Table {
    Table(columns: [
      Table.Column(title: "SPAN"), Table.Column(title: "NAME", minimum: 8, rank: 2),
      Table.Column(title: "KEY", minimum: 12), Table.Column(title: "VALUE", minimum: 8),
      Table.Column(title: last, minimum: 8),
    ])
  }

  private func cells(_ row: JSONValue, _ last: Table.Cell) -> [Table.Cell] {
    let id = row.text("span_id") ?? ""
    return [
      Table.Cell(id, .dim), Table.Cell(names[id] ?? ""), Table.Cell(row.text("key") ?? ""),
      Table.Cell(row.text("value") ?? Readable.unknown), last,
    ]
  }
}
