import Locks
import Testing

@Suite struct ColumnWidthTests {
  @Test(
    arguments: [
      ("a", 1), ("é", 1), ("…", 1), ("█", 1), ("漢", 2), ("か", 2), ("😀", 2), ("\u{301}", 0), ("\u{200d}", 0),
      ("\u{fe0f}", 0),
    ] as [(Unicode.Scalar, Int)])
  func `wide characters take two columns, and what combines none`(scalar: Unicode.Scalar, width: Int) {
    #expect(ColumnWidth.of(scalar) == width)
  }

  @Test(arguments: ["\u{1b}", "\n", "\u{7f}", "\u{9b}"] as [Unicode.Scalar])
  func `orders to a terminal have no width`(scalar: Unicode.Scalar) {
    #expect(ColumnWidth.of(scalar) == nil)
  }
}
