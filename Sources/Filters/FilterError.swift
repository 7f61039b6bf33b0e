/// What is wrong with a filter, and where.
package struct FilterError: Error, Equatable, CustomStringConvertible {
  /// For a person; one line.
  package let message: String
  /// Unicode scalars from the start of the filter's text; as many as there are where something is missing at its end.
  package let offset: Int
  private let text: String

  /// The offset counts Unicode scalars of the filter's text.
  package init(_ message: String, at offset: Int, in text: String) {
    // It may quote what somebody wrote.
    let scalars = Array(message.unicodeScalars)
    self.message =
      Self.shown(scalars.prefix(Self.longestMessage)) + (scalars.count > Self.longestMessage ? "…" : "")
    self.offset = offset
    self.text = text
  }

  private static let longestMessage = 500
  /// Of a long line, what is shown.
  private static let shownLength = 100

  /// The message, then the line of the text that it is about, then a line with a caret below the place.
  package var description: String {
    guard !text.isEmpty else { return message }
    let scalars = Array(text.unicodeScalars)
    let place = min(offset, scalars.count)
    let start = scalars[..<place].lastIndex(of: "\n").map { $0 + 1 } ?? 0
    let end = scalars[place...].firstIndex(of: "\n") ?? scalars.count
    let from = max(start, min(place - Self.shownLength / 2, end - Self.shownLength))
    let to = min(end, from + Self.shownLength)
    let before = (from > start ? "…" : "") + Self.shown(scalars[from..<place])
    let line = before + Self.shown(scalars[place..<max(place, to)]) + (to < end ? "…" : "")
    return "\(message)\n  \(line)\n  \(String(repeating: " ", count: before.count))^"
  }

  /// One column a character, nothing that moves a terminal's cursor.
  private static func shown(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
    var text = ""
    for scalar in scalars { text.unicodeScalars.append(scalar.properties.generalCategory == .control ? " " : scalar) }
    return text
  }
}
