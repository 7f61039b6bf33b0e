import Foundation
import Testing

@testable import Filters

@Suite struct TimeTests {
  private func time(_ text: String) throws -> Int64 {
    guard case .comparison(.firstEvent, .time(.less, let time)) = try Filter(parsing: "first_event < \(text)").condition
    else { throw FilterError("no time", at: 0, in: text) }
    return time
  }

  /// Foundation reads the same text.
  @Test func `times agree with Foundation's`() throws {
    var random = SystemRandomNumberGenerator()
    let formatter = ISO8601DateFormatter()
    for _ in 0..<2000 {
      let seconds = Int.random(in: -9_000_000_000...9_000_000_000, using: &random)
      let date = Date(timeIntervalSince1970: Double(seconds))
      formatter.timeZone = TimeZone(secondsFromGMT: Int.random(in: -14 * 60...14 * 60, using: &random) * 60)
      let text = formatter.string(from: date)
      #expect(try time(text) == Int64(seconds) * 1_000_000_000, "\(text)")
    }
  }

  @Test func `a date is its midnight in UTC`() throws {
    let formatter = ISO8601DateFormatter()
    formatter.formatOptions = [.withFullDate]
    for day in -100_000..<100_000 where day.isMultiple(of: 37) {
      let text = formatter.string(from: Date(timeIntervalSince1970: Double(day) * 86_400))
      #expect(try time(text) == Int64(day) * 86_400_000_000_000, "\(text)")
    }
  }

  @Test(arguments: [
    ("1970-01-01T00:00:00.5Z", 500_000_000), ("1970-01-01T00:00:00.000000001Z", 1),
    ("1970-01-01t00:00:01z", 1_000_000_000), ("1970-01-01T01:00:00+01:00", 0),
    ("1970-01-01T00:00:00-00:01", 60_000_000_000),
    ("2024-02-29", 1_709_164_800_000_000_000),
  ])
  func `fractions and offsets count`(_ text: String, _ nanoseconds: Int64) throws {
    #expect(try time(text) == nanoseconds)
  }

  @Test(arguments: [
    "yesterday", "2026", "2026-11", "2026-13-01", "2026-00-01", "2026-02-29", "2100-02-29", "2026-11-31", "2026-1-1",
    "2026-11-21T10:00:00", "2026-11-21T10:00Z", "2026-11-21T24:00:00Z", "2026-11-21T10:60:00Z", "2026-11-21T10:00:60Z",
    "2026-11-21T10:00:00.Z", "2026-11-21T10:00:00.0000000001Z", "2026-11-21T10:00:00Zx", "2026-11-21T10:00:00+1:00",
    "2026-11-21x", "+026-11-21", "1600-01-01", "2300-01-01", "1479999999",
  ])
  func `what is no time is refused`(_ text: String) {
    let error = #expect(throws: FilterError.self) { try time(text) }
    #expect(error?.offset == 14)
  }
}
