/// Lengths drawn with characters.
enum Bars {
  private static let eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]

  /// A bar as long as its part of the greatest; what is above zero is seen.
  static func amount(_ value: Double, of greatest: Double, width: Int) -> String {
    guard value > 0, greatest > 0 else { return "" }
    let length = max(1, Int((min(value / greatest, 1) * Double(width * 8)).rounded()))
    return String(repeating: "█", count: length / 8) + eighths[length % 8]
  }

  /// Where something lies in a longer time, all three in the same unit.
  static func span(start: Double, length: Double, of whole: Double, width: Int) -> String {
    guard whole > 0 else { return String(repeating: "█", count: width) }
    func cell(_ time: Double) -> Int { Int((min(max(time / whole, 0), 1) * Double(width)).rounded()) }
    let first = min(cell(start), width - 1)
    let count = max(1, cell(start + length) - first)
    return String(repeating: " ", count: first) + String(repeating: "█", count: count)
  }
}
