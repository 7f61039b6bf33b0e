import JSON

/// The spans of a trace as a tree: a line a span.
struct TraceTree {
  private struct Line {
    /// Box lines before the name.
    let stem: String
    let span: JSONValue
    let depth: Int
  }

  private let lines: [Line]
  private let start: Moment?
  /// Milliseconds from the trace's start to its end.
  private let length: Double

  /// - Parameter trace: the API's document of one.
  init(_ trace: JSONValue) {
    var lines: [Line] = []
    // No recursion: how deep a tree is, is up to whoever sent it.
    var open: [(spans: [JSONValue], next: Int, stem: String)] = [(trace.rows("spans"), 0, "")]
    while let top = open.last {
      guard top.next < top.spans.count else {
        open.removeLast()
        continue
      }
      open[open.count - 1].next += 1
      let span = top.spans[top.next]
      let isLast = top.next == top.spans.count - 1
      let depth = open.count - 1
      let stem = depth == 0 ? "" : top.stem + (isLast ? "└─ " : "├─ ")
      lines.append(Line(stem: stem, span: span, depth: depth))
      let children = span.rows("children")
      guard !children.isEmpty else { continue }
      open.append((children, 0, depth == 0 ? "" : top.stem + (isLast ? "   " : "│  ")))
    }
    self.lines = lines
    start = trace.text("timestamp").flatMap { Moment($0) }
    length = trace.number("latency_ms") ?? 0
  }

  var count: Int { lines.count }

  private static let barWidth = 20

  private static let table = Table(columns: [
    Table.Column(title: "SPAN", minimum: 20),
    Table.Column(title: "KIND", rank: 3),
    Table.Column(title: "TOOK", alignment: .right),
    Table.Column(title: "FROM START TO END", rank: 6),
    Table.Column(title: "TOKENS", alignment: .right, rank: 2),
    Table.Column(title: "COST", alignment: .right, rank: 1),
    Table.Column(title: "MODEL", minimum: 10, rank: 5),
    Table.Column(title: "STATUS", minimum: 10, rank: 4),
  ])

  /// The tree as a table of its first lines.
  func text(limit: Int, on screen: Screen) -> String {
    Self.table.text(lines.prefix(limit).map { cells($0, on: screen) }, on: screen)
  }

  private func cells(_ line: Line, on screen: Screen) -> [Table.Cell] {
    let span = line.span
    // However deep a span stands, its name must find room.
    let mostStem = max((screen.width ?? Int.max) / 4, 3)
    let stem = line.stem.count > mostStem ? "…" + line.stem.suffix(mostStem - 1) : line.stem
    let took = span.number("duration_ms")
    let status = Self.status(span)
    let isFailed = !status.isEmpty
    return [
      Table.Cell(stem + (span.text("name") ?? Readable.unknown), isFailed ? .red : .plain),
      Table.Cell(span.text("kind") ?? "", .dim),
      Table.Cell(Readable.duration(took)),
      Table.Cell(bar(span, took ?? 0), isFailed ? .red : .dim),
      Table.Cell(span.count("tokens", "total").map { Readable.count($0) } ?? ""),
      Table.Cell(span.number("cost_usd").map { Readable.dollars($0) } ?? ""),
      Table.Cell(span.text("model") ?? ""),
      Table.Cell(status, .red),
    ]
  }

  private func bar(_ span: JSONValue, _ took: Double) -> String {
    guard let start, let begun = span.text("start").flatMap({ Moment($0) }) else { return "" }
    let offset = Double(begun.nanoseconds - start.nanoseconds) / 1e6
    return Bars.span(start: offset, length: took, of: length, width: Self.barWidth)
  }

  /// What went wrong; empty when nothing did.
  private static func status(_ span: JSONValue) -> String {
    guard span.text("status")?.lowercased() == "error" else { return "" }
    let message = span.text("status_message") ?? ""
    return message.isEmpty ? "error" : "error: " + message
  }

  private static let values = [
    ["span_id"], ["parent_span_id"], ["name"], ["kind"], ["start"], ["duration_ms"], ["status"], ["status_message"],
    ["model"], ["tokens", "input"],
    ["tokens", "output"], ["tokens", "total"], ["tokens", "cache_read"], ["tokens", "cache_write"],
    ["tokens", "reasoning"], ["cost_usd"],
  ]

  /// The spans as CSV, with the span above each and how deep it stands.
  func csv(limit: Int) -> String {
    lines.prefix(limit).reduce(
      CSV.line(["depth"] + Self.values.map { $0.joined(separator: "_") })
    ) { text, line in
      text
        + CSV.line(
          [String(line.depth)] + Self.values.map { CSV.text(line.span.at($0)) })
    }
  }
}
