import SelfTelemetry
import Testing

@testable import Terminal

@Suite struct TableTests {
  private let table = Table(columns: [
    Table.Column(title: "USER", minimum: 6), Table.Column(title: "TRACES", alignment: .right),
    Table.Column(title: "NOTE", minimum: 5, rank: 1),
  ])
  private let rows: [[Table.Cell]] = [
    ["ada", "1", "the first of them all"], ["漢字漢字漢字", "12345", ""], ["a\u{1b}[2J", "7", "x"],
  ]

  private func text(_ width: Int?, colours: Bool = false) -> String {
    table.text(rows, on: Screen(width: width, hasColours: colours, isTerminal: width != nil, now: .now()))
  }

  @Test func `without a terminal nothing is cut, and no blanks end a line`() {
    #expect(
      text(nil) == """
        USER          TRACES  NOTE
        ada                1  the first of them all
        漢字漢字漢字   12345
        a\\u{1b}[2J         7  x

        """)
  }

  @Test func `the widest columns give way first`() {
    #expect(
      text(32) == """
        USER         TRACES  NOTE
        ada               1  the first …
        漢字漢字漢…   12345
        a\\u{1b}[2J        7  x

        """)
  }

  @Test func `a column that finds no room goes, and the others have its room`() {
    #expect(
      text(20) == """
        USER          TRACES
        ada                1
        漢字漢字漢字   12345
        a\\u{1b}[2J         7

        """)
    #expect(
      text(16) == """
        USER      TRACES
        ada            1
        漢字漢…    12345
        a\\u{1b}…       7

        """)
  }

  @Test(arguments: 14..<60)
  func `no line is wider than the terminal`(width: Int) {
    for line in text(width).split(separator: "\n") { #expect(PlainText.width(String(line)) <= width) }
  }

  @Test func `colours stand around the text and take no room`() {
    let table = Table(columns: [Table.Column(title: "A"), Table.Column(title: "B", alignment: .right)])
    let screen = Screen(width: 80, hasColours: true, isTerminal: true, now: .now())
    #expect(
      table.text([[Table.Cell("x", .red), "1"], ["", Table.Cell("22", .dim)]], on: screen)
        == "\u{1B}[1mA\u{1B}[0m   \u{1B}[1mB\u{1B}[0m\n\u{1B}[31mx\u{1B}[0m   1\n   \u{1B}[2m22\u{1B}[0m\n")
  }

  @Test func `later rows keep the layout of the first`() {
    let layout = table.layout([rows[0]], room: nil)
    #expect(table.lines([rows[1]], layout, isLimited: false, colours: false) == "漢字漢字漢字   12345\n")
    #expect(table.lines([rows[1]], layout, isLimited: true, colours: false) == "漢…    12345\n")
  }
}
