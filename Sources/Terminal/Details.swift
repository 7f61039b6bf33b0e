import JSON
import SelfTelemetry

/// What one user, session or trace is: labels and values under a heading.
struct Details {
  private let heading: String
  private var lines: [(label: String, pieces: [String])] = []

  init(_ heading: String) {
    self.heading = PlainText.harmless(heading)
  }

  /// Adds a line, unless it would be empty.
  mutating func add(_ label: String, _ pieces: [String]) {
    if !pieces.isEmpty { lines.append((label, pieces.map(PlainText.harmless))) }
  }

  mutating func add(_ label: String, _ value: String?) {
    if let value { add(label, [value]) }
  }

  /// What traces of one owner have in common with one trace.
  mutating func addTotals(of document: JSONValue) {
    let errors = document.count("errors") ?? 0
    add(
      "observations",
      [Readable.count(document.count("observations")), errors > 0 ? "\(Readable.count(errors)) with an error" : ""]
        .filter {
          !$0.isEmpty
        })
    add("tokens", Self.tokens(document))
    add("cost", document.number("cost_usd").map { Readable.dollars($0) } ?? "unknown")
  }

  mutating func addLabels(of document: JSONValue) {
    add("models", document.texts("models"))
    add("workflows", document.texts("workflows"))
    add("tags", document.texts("tags"))
    add("metadata", document.at("metadata").map { Self.members($0, "") } ?? [])
    add("scores", document.at("scores").map(Self.scores) ?? [])
  }

  /// `helpful 0.8 (12)`, `verdict good (1)`: how many, and of those with a number the mean, of others the latest.
  private static func scores(_ summaries: JSONValue) -> [String] {
    summaries.members.map { name, summary in
      let latest = summary.text("latest") ?? summary.number("latest").map(Readable.score) ?? Readable.unknown
      let verdict = summary.number("mean").map { "\(Readable.score($0))" } ?? latest
      return "\(String(decoding: name, as: UTF8.self)) \(verdict) (\(Readable.count(summary.count("count"))))"
    }
  }

  /// `12.3k in all`, `10.0k input`, `2300 output`.
  private static func tokens(_ document: JSONValue) -> [String] {
    guard let total = document.count("tokens", "total") else { return ["unknown"] }
    let parts = [
      ("input", "input"), ("cache_read", "cache read"), ("cache_write", "cache write"), ("output", "output"),
      ("reasoning", "reasoning"),
    ].compactMap { key, word in document.count("tokens", key).map { "\(Readable.count($0)) \(word)" } }
    return [Readable.count(total) + (parts.isEmpty ? "" : " in all")] + parts
  }

  /// `plan=pro`, `org.name=Acme`.
  private static func members(_ value: JSONValue, _ path: String) -> [String] {
    value.members.flatMap { key, member in
      let name = path + String(decoding: key, as: UTF8.self)
      return member.kind == .object ? members(member, name + ".") : ["\(name)=\(CSV.text(member))"]
    }
  }

  /// The text; values that do not fit into a line go on in the next, and one that is too long for any is cut.
  func text(on screen: Screen) -> String {
    let indent = (lines.map(\.label.count).max() ?? 0) + 4
    let heading = PlainText.cut(heading, to: screen.width ?? .max)
    let longest = max((screen.width ?? .max) - indent, 1)
    var text = (screen.hasColours ? Style.bold.applied(to: heading) : heading) + "\n"
    for (label, pieces) in lines {
      let title = "  " + label + String(repeating: " ", count: indent - 2 - label.count)
      text += screen.hasColours ? Style.dim.applied(to: title) : title
      var column = indent
      for (index, piece) in pieces.enumerated() {
        let comma = index + 1 < pieces.count ? "," : ""
        let piece = PlainText.cut(piece, to: longest - comma.count) + comma
        let width = PlainText.width(piece)
        if index > 0, let room = screen.width, column + 1 + width > room {
          text += "\n" + String(repeating: " ", count: indent)
          column = indent
        } else if index > 0 {
          text += " "
          column += 1
        }
        text += piece
        column += width
      }
      text += "\n"
    }
    return text
  }
}
