import Foundation
import Testing

@testable import Terminal

@Suite struct MomentTests {
  private let now = Moment("2026-11-21T10:00:00Z")!

  @Test(arguments: [
    ("2026-11-21T10:00:00Z", "now"), ("2026-11-21T10:00:59Z", "now"), ("2026-11-21T10:02:00Z", "2026-11-21 10:02:00"),
    ("2026-11-21T09:59:48Z", "12 s ago"), ("2026-11-21T09:55:00Z", "5 m ago"), ("2026-11-21T07:00:01Z", "2 h ago"),
    ("2026-11-19T10:00:01Z", "47 h ago"), ("2026-11-19T10:00:00Z", "2 d ago"), ("2026-10-22T10:00:01Z", "29 d ago"),
    ("2026-10-22T10:00:00Z", "2026-10-22"),
  ])
  func `a time is told from now`(time: String, expected: String) throws {
    #expect(try #require(Moment(time)).ago(now) == expected)
  }

  @Test(arguments: [
    ("7d", "2026-11-14T10:00:00Z"), ("24h", "2026-11-20T10:00:00Z"), ("1h30m", "2026-11-21T08:30:00Z"),
    ("250ms", "2026-11-21T09:59:59.75Z"), ("0s", "2026-11-21T10:00:00Z"),
  ])
  func `a span counts back from now`(span: String, expected: String) {
    #expect(now.before(span)?.text == expected)
  }

  @Test(arguments: ["", "7", "-7d", "7 d", "week", "400000d"])
  func `what is no span is none`(span: String) {
    #expect(now.before(span) == nil)
  }

  /// Foundation writes the same seconds.
  @Test func `times are written as Foundation writes them`() throws {
    var random = SystemRandomNumberGenerator()
    let formatter = ISO8601DateFormatter()
    for _ in 0..<2000 {
      let seconds = Int64.random(in: -9_000_000_000...9_000_000_000, using: &random)
      let text = formatter.string(from: Date(timeIntervalSince1970: Double(seconds)))
      let nanoseconds = Int64.random(in: 1...999_999_999, using: &random)
      #expect(Moment(nanoseconds: seconds * 1_000_000_000).text == text)
      let finer = Moment(nanoseconds: seconds * 1_000_000_000 + nanoseconds)
      #expect(Moment(finer.text) == finer)
      #expect(finer.text.hasPrefix(text.dropLast() + "."))
      #expect(finer.spoken == text.dropLast().split(separator: "T").joined(separator: " "))
    }
  }
}
