import Locks

/// Text from elsewhere as it may go to a terminal, and how wide it is there.
///
/// Ids, names and messages come from whoever sends spans: they must neither move the cursor nor turn the line around.
package enum PlainText {
  /// The text with whatever gives orders written out: `\n`, `\u{1b}`, `\u{202e}`.
  package static func harmless(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { !isHarmless($0) }) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      if isHarmless(scalar) { result.unicodeScalars.append(scalar) } else { result += escape(of: scalar) }
    }
    return result
  }

  /// The same for text of several lines.
  package static func harmlessLines(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { harmless(String($0)) }.joined(separator: "\n")
  }

  /// Whether a scalar only stands there.
  package static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
    if (0x20..<0x7F).contains(scalar.value) { return true }
    return switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator, .unassigned: false
    // Emoji and some scripts are written with joiners; the others turn text around or hide it.
    case .format: scalar == "\u{200C}" || scalar == "\u{200D}"
    default: ColumnWidth.of(scalar) != nil
    }
  }

  private static func escape(of scalar: Unicode.Scalar) -> String {
    switch scalar {
    case "\n": "\\n"
    case "\r": "\\r"
    case "\t": "\\t"
    default: "\\u{\(String(scalar.value, radix: 16))}"
    }
  }

  /// Columns on a terminal.
  package static func width(_ text: String) -> Int {
    text.unicodeScalars.reduce(0) { $0 + width($1) }
  }

  private static func width(_ scalar: Unicode.Scalar) -> Int {
    (0x20..<0x7F).contains(scalar.value) ? 1 : ColumnWidth.of(scalar) ?? 1
  }

  /// The text in that many columns at most, with an ellipsis at its end where something is missing.
  package static func cut(_ text: String, to columns: Int) -> String {
    guard width(text) > columns else { return text }
    var result = ""
    var used = 0
    for character in text {
      let more = width(String(character))
      guard used + more < columns else { break }
      result.append(character)
      used += more
    }
    return columns > 0 ? result + "…" : ""
  }
}
