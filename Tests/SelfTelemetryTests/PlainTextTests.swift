import Testing

import SelfTelemetry

@Suite struct PlainTextTests {
  @Test(arguments: [
    ("ada", "ada"), ("Ada Lovelace ❤️ 漢字", "Ada Lovelace ❤️ 漢字"), ("a\u{1b}[2Jb", "a\\u{1b}[2Jb"),
    ("a\r\nb\tc", "a\\r\\nb\\tc"), ("a\u{0}b\u{7f}", "a\\u{0}b\\u{7f}"), ("\u{9b}31m", "\\u{9b}31m"),
    ("a\u{202e}b\u{2066}", "a\\u{202e}b\\u{2066}"), ("a\u{2028}b", "a\\u{2028}b"), ("👩‍💻", "👩‍💻"),
  ])
  func `what gives orders to a terminal is written out`(text: String, expected: String) {
    #expect(PlainText.harmless(text) == expected)
  }

  @Test func `no control character survives, whatever it is`() {
    for value in UInt32(0)...0x10_FFFF {
      guard let scalar = Unicode.Scalar(value), scalar.properties.generalCategory == .control else { continue }
      let shown = PlainText.harmless("a\(scalar)b")
      #expect(shown.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }, "\(value)")
    }
  }

  @Test(arguments: [("", 0), ("ada", 3), ("漢字", 4), ("e\u{301}", 1), ("😀!", 3)])
  func `wide characters count twice`(text: String, width: Int) {
    #expect(PlainText.width(text) == width)
  }

  @Test(arguments: [
    ("abcdef", 6, "abcdef"), ("abcdef", 5, "abcd…"), ("abcdef", 1, "…"), ("abcdef", 0, ""), ("漢字漢字", 7, "漢字漢…"),
    ("漢字漢字", 6, "漢字…"), ("a漢", 2, "a…"), ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…"),
  ])
  func `what is cut fits, and says so`(text: String, columns: Int, expected: String) {
    let cut = PlainText.cut(text, to: columns)
    #expect(cut == expected)
    #expect(PlainText.width(cut) <= columns)
  }
}
