import TestSupport
import Testing

@testable import Privacy

/// What is masked in texts, and what is not.
struct PatternTests {
  private func masked(_ text: String, _ patterns: [TextPattern]) -> String {
    patterns.reduce(text) { text, pattern in
      let masked = Array(text.utf8).withUnsafeBytes { pattern.masked($0) }
      return masked.map { String(decoding: $0, as: UTF8.self) } ?? text
    }
  }

  private struct Case: Decodable {
    var text: String
    var email: String
    var card: String
  }

  @Test(
    "E-mail addresses and cards are what Python's re and its own Luhn find",
    .enabled(if: OraclePython.path != nil, "\(OraclePython.requirement)"))
  func matchesPython() throws {
    let cases: [Case] = try Oracle.lines("patterns", "4", "4000")
    let (email, card) = (TextPattern(.email), TextPattern(.card))
    for one in cases {
      #expect(masked(one.text, [email]) == one.email)
      #expect(masked(one.text, [card]) == one.card)
    }
    #expect(cases.count { $0.email != $0.text } > 500 && cases.count { $0.card != $0.text } > 500)
  }

  @Test(
    "Phone numbers are masked in their usual forms",
    arguments: [
      "+49 30 1234567", "+1 (555) 123-4567", "0049 171 2345678", "030 1234567", "0171-2345678", "(030) 1234567",
      "555-223-4567", "1-555-234-5678", "+4915123456789", "0301234567",
    ])
  func phones(number: String) {
    #expect(masked("Call \(number), please", [TextPattern(.phone)]) == "Call [phone], please")
  }

  @Test(
    "What only looks like a phone number stays",
    arguments: [
      "2026-11-21", "12:30:45", "192.168.100.200", "1700000000000", "3.14159265358979", "0.00123456789",
      "4bf92f3577b34da6a3ce929d0e0e4736", "00000000-0000-0000-0000-000000000000", "v1.2.3456", "42",
    ])
  func noPhones(text: String) {
    #expect(masked("at \(text).", [TextPattern(.phone)]) == "at \(text).")
  }

  @Test("Text of JSON stays JSON: escapes are left, and a bare number gets quotes")
  func json() {
    #expect(
      masked(#"{"a":"Hi\nada@example.com","b":4111111111111111}"#, [TextPattern(.email), TextPattern(.card)])
        == #"{"a":"Hi\n[email]","b":"[card]"}"#)
    #expect(masked(#"{"a":"\u003cada@example.com>"}"#, [TextPattern(.email)]) == #"{"a":"\u003c[email]>"}"#)
  }

  @Test("An operator's expression is masked wherever it matches, and one that is none says why")
  func expressions() throws {
    let pattern = try TextPattern(expression: "[A-Z]{2}[0-9]{6}")
    #expect(masked("AB123456, xAB1234567 and AB12345", [pattern]) == "[masked], x[masked]7 and AB12345")
    #expect(throws: PatternError.self) { try TextPattern(expression: "(open") }
    #expect(throws: PatternError.self) { try TextPattern(expression: #"(a)\1"#) }
    // What matches nothing at all masks nothing.
    #expect(masked("abc", [try TextPattern(expression: "x*")]) == "abc")
  }

  @Test("A long text is looked at to its end, and a match across the pieces it is read in is found")
  func longTexts() throws {
    let filler = String(repeating: "lorem ipsum ", count: 2000)
    for shift in [0, 3000, 4000, 4090, 4095, 4096, 9000, 20_000] {
      let before = String(filler.prefix(shift))
      #expect(
        masked("\(before) ada@example.com \(filler)", [TextPattern(.email)]) == "\(before) [email] \(filler)")
    }
  }
}
