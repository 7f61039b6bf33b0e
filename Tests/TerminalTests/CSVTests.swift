import Foundation
import JSON
import TestSupport
import Testing

@testable import Terminal

@Suite struct CSVTests {
  @Test func `fields are quoted where they must be, and lines end with CRLF`() {
    #expect(CSV.line(["a", "", "b c", "1.5"]) == "a,,b c,1.5\r\n")
    #expect(
      CSV.line(["a,b", "say \"x\"", "two\nlines", "\r\n"]) == "\"a,b\",\"say \"\"x\"\"\",\"two\nlines\",\"\r\n\"\r\n")
  }

  @Test(arguments: [
    ("null", ""), ("true", "true"), ("false", "false"), ("\"a\"", "a"), ("12", "12"), ("-7", "-7"), ("2.0", "2"),
    ("0.000000001", "0.000000001"), ("1e-9", "0.000000001"), ("0.1", "0.1"), ("12.345678901", "12.345678901"),
    ("18446744073709551615", "18446744073709551615"), ("[]", "[]"), ("[\"a\",1]", "[\"a\",1]"),
    ("{\"a\":{\"b\":[true,null,0.5]}}", "{\"a\":{\"b\":[true,null,0.5]}}"),
  ])
  func `values stand there as they are`(json: String, expected: String) throws {
    let document = try JSONDocument(Array(json.utf8))
    #expect(CSV.text(document.root) == expected)
  }

  /// Costs are billionths: none of them may be changed by a digit.
  @Test func `billionths are kept`() throws {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<5000 {
      let nano = Int64.random(in: 0...1_000_000_000_000, using: &random)
      let digits = String(nano)
      let text = String(repeating: "0", count: max(0, 10 - digits.count)) + digits
      let decimal = text.dropLast(9) + "." + text.suffix(9)
      let shown = CSV.text(try JSONDocument(Array(decimal.utf8)).root)
      #expect(Decimal(string: shown) == Decimal(string: String(decimal)))
    }
  }
}
