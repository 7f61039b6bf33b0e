import Foundation
import Testing

@testable import Terminal

@Suite struct ReadableTests {
  @Test(
    arguments: [
      (nil, "-"), (0, "0"), (9999, "9999"), (10_000, "10.0k"), (12_345, "12.3k"), (99_949, "99.9k"), (99_951, "100k"),
      (999_499, "999k"), (999_500, "1.00M"), (1_234_567, "1.23M"), (999_500_000, "1.00B"), (45_600_000_000, "45.6B"),
      (Int64.max, "9223372T"), (-12_345, "-12.3k"),
    ] as [(Int64?, String)])
  func `counts have three digits that count`(value: Int64?, expected: String) {
    #expect(Readable.count(value) == expected)
  }

  @Test(
    arguments: [
      (nil, "-"), (0, "$0"), (0.0123, "$0.0123"), (0.5, "$0.5000"), (0.99999, "$1.00"), (1.005, "$1.00"),
      (12.345, "$12.35"), (9999.99, "$9999.99"), (12_345.6, "$12.3k"), (0.00021, "$0.00021"), (0.0000021, "$0.0000021"),
      (0.000000001, "$0.000000001"), (-0.5, "-$0.5000"),
    ] as [(Double?, String)])
  func `dollars keep what is small`(value: Double?, expected: String) {
    #expect(Readable.dollars(value) == expected)
  }

  @Test(
    arguments: [
      (nil, "-"), (0, "0 ms"), (0.0001, "1 µs"), (0.42, "420 µs"), (0.9999, "1.0 ms"), (4.56, "4.6 ms"),
      (250.4, "250 ms"),
      (999.4, "999 ms"), (999.6, "1.0 s"), (1234, "1.2 s"), (59_949, "59.9 s"), (59_960, "1 m 00 s"),
      (125_000, "2 m 05 s"), (3_600_000, "1 h 00 m"), (11_520_000, "3 h 12 m"), (172_800_000, "2 d 00 h"),
      (371_000_000, "4 d 07 h"), (-1500, "-1.5 s"),
    ] as [(Double?, String)])
  func `durations have the unit that fits`(milliseconds: Double?, expected: String) {
    #expect(Readable.duration(milliseconds) == expected)
  }

  /// Foundation rounds the same numbers; halves, which both may round either way, are left out.
  @Test func `decimals agree with Foundation's`() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<5000 {
      let places = Int.random(in: 0...9, using: &random)
      let value = Double.random(in: -1_000_000...1_000_000, using: &random)
      let scaled = abs(value) * pow(10, Double(places))
      guard abs(scaled - scaled.rounded(.down) - 0.5) > 1e-3 else { continue }
      #expect(Readable.fixed(value, places) == String(format: "%.\(places)f", value))
    }
  }
}
