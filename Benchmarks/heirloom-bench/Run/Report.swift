import Glibc

/// Figures with names, as a table for people and as one line of JSON for programs.
struct Report {
  private var rows: [(name: String, table: String, json: String)] = []

  mutating func add(_ name: String, _ text: String) {
    let escaped = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    rows.append((name, text, "\"\(escaped)\""))
  }

  mutating func add(_ name: String, _ number: Int) {
    rows.append((name, "\(number)", "\(number)"))
  }

  mutating func add(_ name: String, _ number: Double, digits: Int) {
    let text = Self.fixed(number, digits: digits)
    rows.append((name, text, text))
  }

  mutating func add(_ tally: Tally) {
    add("identity_checked", tally.checked)
    add("identity_correct", tally.correct)
    add("identity_missing", tally.missing)
    add("identity_wrong", tally.wrong)
    add("identity_repeated", tally.repeated)
    add("spans_altered", tally.altered)
    add("spans_duplicate", tally.duplicates)
    add("spans_foreign", tally.foreign)
    add("requests_malformed", tally.malformed)
  }

  var table: String {
    let width = rows.map(\.name.count).max() ?? 0
    return rows.map { row in
      let padding = String(repeating: " ", count: width - row.name.count)
      return "\(row.name)\(padding)  \(row.table)\n"
    }.joined()
  }

  var json: String {
    "{" + rows.map { "\"\($0.name)\": \($0.json)" }.joined(separator: ", ") + "}"
  }

  /// A number with that many digits behind the point.
  static func fixed(_ number: Double, digits: Int) -> String {
    guard number.isFinite, abs(number) < 1e12 else { return "null" }
    let scale = Int(pow(10, Double(digits)))
    let scaled = Int((abs(number) * Double(scale)).rounded())
    let fraction = String(scaled % scale)
    let zeros = String(repeating: "0", count: digits - fraction.count)
    return (number < 0 ? "-" : "") + "\(scaled / scale).\(zeros)\(fraction)"
  }
}

/// Writes a line to standard error.
func printError(_ text: String) {
  let line = Array("heirloom-bench: \(text)\n".utf8)
  write(STDERR_FILENO, line, line.count)
}
