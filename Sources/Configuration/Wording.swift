/// Somebody else's text within a message: one line, of bounded length, with nothing a terminal would obey.
func displayed(_ text: String, limit: Int = 80) -> String {
  var shown = ""
  for (count, scalar) in text.unicodeScalars.enumerated() {
    guard count < limit else { return shown + "…" }
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse:
      shown += scalar.escaped(asASCII: true)
    default: shown.unicodeScalars.append(scalar)
    }
  }
  return shown
}

/// A file's path, which somebody will want to open: whole, as long as paths can be.
func displayedPath(_ path: String) -> String { displayed(path, limit: 4096) }

/// Such a text in quotes.
func quoted(_ text: String) -> String { "\"\(displayed(text))\"" }

/// The known word that is nearest to a mistyped one, if any is near enough to be meant.
func nearest(to word: String, among known: some Sequence<String>) -> String? {
  // A key of megabytes is nobody's slip of the finger.
  guard word.utf8.count <= 64 else { return nil }
  let candidates = known.map { (word: $0, distance: editDistance(Array(word.utf8), Array($0.utf8))) }
  let best = candidates.min { ($0.distance, $0.word) < ($1.distance, $1.word) }
  guard let best, best.distance <= max(1, word.utf8.count / 3) else { return nil }
  return best.word
}

/// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other.
private func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
  var beforePrevious: [Int] = []
  var previous = Array(0...b.count)
  for i in a.indices {
    var current = [i + 1]
    for j in b.indices {
      var cost = min(previous[j] + (a[i] == b[j] ? 0 : 1), previous[j + 1] + 1, current[j] + 1)
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, beforePrevious[j - 1] + 1) }
      current.append(cost)
    }
    (beforePrevious, previous) = (previous, current)
  }
  return previous[b.count]
}
