import Foundation
import JSON
import TestSupport
import Testing

@testable import Ledger

/// How the ledger writes times, numbers and bytes.
@Suite struct LedgerTextTests {
  @Test func `writes times as Foundation does`() throws {
    let formatter = ISO8601DateFormatter()
    formatter.formatOptions = [.withInternetDateTime]
    var random = SeededGenerator(seed: 6)
    let edges: [Int64] = [0, -1, 1, 951_782_400, 951_868_799, 4_107_542_399, 1_795_219_200, -2_208_988_800]
    for seconds in edges + (0..<2000).map({ _ in Int64.random(in: -9_000_000_000..<9_000_000_000, using: &random) }) {
      let milliseconds = Int64.random(in: 0..<1000, using: &random)
      let nanoseconds = seconds * 1_000_000_000 + milliseconds * 1_000_000 + 999_999
      let whole = formatter.string(from: Date(timeIntervalSince1970: Double(seconds)))
      #expect(
        LedgerTime.text(nanoseconds)
          == whole.dropLast() + String(format: ".%03dZ", Int(milliseconds)))
    }
  }

  @Test(arguments: [
    (0, "0"), (1, "0.000000001"), (1_500_000_000, "1.5"), (-250_000_000, "-0.25"), (1_000_000_000_000, "1000"),
    (123_456_789_012_345_678, "123456789.012345678"), (Int64.max, "9223372036.854775807"),
    (Int64.min, "-9223372036.854775808"),
  ])
  func `writes dollars without an exponent`(billionths: Int64, text: String) {
    var json = JSONText()
    json.beginObject()
    json.member("c", dollars: billionths)
    json.endObject()
    #expect(String(decoding: json.bytes, as: UTF8.self) == "{\"c\":\(text)}")
  }

  @Test(arguments: [
    (0, "0"), (499, "0"), (500, "0.001"), (1_234_567, "1.235"), (2_000_000_000, "2000"), (999_999_999, "1000"),
    (Int64.max, "9223372036854.776"),
  ])
  func `writes milliseconds to the microsecond`(nanoseconds: Int64, text: String) {
    var json = JSONText()
    json.beginObject()
    json.member("l", milliseconds: nanoseconds)
    json.endObject()
    #expect(String(decoding: json.bytes, as: UTF8.self) == "{\"l\":\(text)}")
  }

  @Test func `writes bytes for URLs as Foundation does, and reads them back`() {
    var random = SeededGenerator(seed: 7)
    for count in 0..<200 {
      let bytes = random.bytes(count)
      let text = Base64URL.encode(bytes)
      let expected = Data(bytes).base64EncodedString().replacingOccurrences(of: "+", with: "-")
        .replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
      #expect(text == expected)
      #expect(Base64URL.decode(text) == bytes)
    }
    for text in ["A", "AAAAA", "A=", "AB", "AA=", "+w", "é"] { #expect(Base64URL.decode(text) == nil) }
  }

  @Test func `counts by steps of 1, 2 and 5`() {
    var histogram = Histogram()
    for value: Int64? in [0, 1, 1, 4, 5, 9, 10, 999, nil, 1000] { histogram.add(value) }
    #expect(histogram.unknown == 1)
    #expect(histogram.buckets.map(\.from) == [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000])
    #expect(histogram.buckets.map(\.count) == [1, 2, 1, 2, 1, 0, 0, 0, 0, 1, 1])
    var largest = Histogram()
    largest.add(.max)
    #expect(largest.buckets == [Histogram.Bucket(from: 5_000_000_000_000_000_000, to: .max, count: 1)])
  }
}
