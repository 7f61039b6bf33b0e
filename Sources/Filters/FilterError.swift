import SelfTelemetry

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

  /// Where nobody knows how wide the terminal is.
  package static let usualColumns = 100

  package var description: String { description(columns: Self.usualColumns) }

  /// The message, then the line of the text that it is about, then a line with a caret below the place. Of a long line, what
  /// of it is around the place and fits.
  package func description(columns: Int) -> String {
    guard !text.isEmpty else { return message }
    let scalars = Array(text.unicodeScalars)
    let place = min(offset, scalars.count)
    let start = scalars[..<place].lastIndex(of: "\n").map { $0 + 1 } ?? 0
    let end = scalars[place...].firstIndex(of: "\n") ?? scalars.count
    // An indent of two and an ellipsis at either end.
    let room = max(columns - 4, 2)
    var (from, to, used) = (place, place, 0)
    func goBack(within room: Int) {
      while from > start, used + Self.width(scalars[from - 1]) <= room {
        from -= 1
        used += Self.width(scalars[from])
      }
    }
    goBack(within: room / 2)
    while to < end, used + Self.width(scalars[to]) <= room {
      used += Self.width(scalars[to])
      to += 1
    }
    goBack(within: room)
    let before = (from > start ? "…" : "") + Self.shown(scalars[from..<place])
    let line = before + Self.shown(scalars[place..<to]) + (to < end ? "…" : "")
    return "\(message)\n  \(line)\n  \(String(repeating: " ", count: PlainText.width(before)))^"
  }

  private static func width(_ scalar: Unicode.Scalar) -> Int { PlainText.width(shown([scalar])) }

  /// In one line, and nothing that gives a terminal orders.
  private static func shown(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
    var text = String.UnicodeScalarView()
    for scalar in scalars { text.append(scalar.properties.generalCategory == .control ? " " : scalar) }
    return PlainText.harmless(String(text))
  }
}
