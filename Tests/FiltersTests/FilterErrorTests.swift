import SelfTelemetry
import TestSupport
import Testing

@testable import Filters

@Suite struct FilterErrorTests {
  /// The place is marked by a ‸ before it, which is taken out.
  @Test(arguments: [
    ("‸", "the filter is empty"),
    ("  ‸", "the filter is empty"),
    ("‸usr is a", "there is no field “usr”; fields are end_user"),
    ("‸'end_user' is a", "expected a field"),
    ("‸metadata is a", "metadata needs a path"),
    ("metadata:‸ is a", "expected a path right behind"),
    ("metadata:‸ 'x' is a", "expected a path right behind"),
    ("metadata:‸'' is a", "expected a path right behind"),
    ("‸score is a", "score needs a name"),
    ("score:‸ >= 1", "expected a name right behind"),
    ("score:helpful‸", "expected what to ask of score:helpful: =, !=, <, <=, >, >=, is,"),
    ("score:helpful ‸0.5", "expected what to ask of score:helpful"),
    ("score:helpful >= ‸good", "expected a number, found “good”"),
    ("score:helpful > ‸'0.5x'", "only k or M"),
    ("score:helpful is‸", "expected a value"),
    ("score:helpful is not‸", "expected a value"),
    ("score:helpful =‸", "expected a value"),
    ("end_user‸", "expected what to ask of end_user: is, is not"),
    ("end_user ‸u_812", "expected what to ask of end_user"),
    ("end_user ‸does not", "expected what to ask of end_user"),
    ("end_user is‸", "expected a value"),
    ("end_user is not‸", "expected a value"),
    ("end_user is ‸and tag is a", "if it is the word “and”, it must stand in quotes"),
    ("end_user ‸< a", "end_user is text, which has no order"),
    ("metadata:age ‸> 30", "metadata:age is text"),
    ("end_user is any of ‸a", "expected “(”"),
    ("end_user is any of (‸)", "expected a value"),
    ("end_user is any of (a‸", "expected “,” or “)”"),
    ("end_user is any of (a ‸b)", "expected “,” or “)”"),
    ("end_user is any of (a, ‸)", "expected a value"),
    ("end_user is a ‸b", "a value of several words must stand in quotes"),
    ("end_user is a‸, tag is b", "expected “and”, “or” or the end"),
    ("end_user is a‸) or error", "no parenthesis is open"),
    ("(error‸", "expected “)”"),
    ("(error ‸tag is a)", "expected “)”"),
    ("error and‸", "expected a field"),
    ("error ‸&& error", "expected “and” in place of “&”"),
    ("error ‸|| error", "expected “or” in place of “|”"),
    ("‸!error", "write “not” before it"),
    ("error is ‸maybe", "error is true or false"),
    ("error ‸exists", "expected “and”"),
    ("tag is ‸50%", nil),
    ("tag is 50‸%", "text with “%” in it must stand in quotes"),
    ("tag is ‸\"a", "never closed"),
    ("tag is ‸\"a\\", "never closed"),
    ("tag is \"a‸\\q\"", "after a backslash"),
    ("cost ‸contains 5", "expected what to ask of cost: ="),
    ("cost > ‸cheap", "expected a number, found “cheap”"),
    ("cost > ‸1e3", "only k or M"),
    ("cost > ‸.5", "expected a number"),
    ("cost > ‸1.", "expected a number"),
    ("cost > ‸+1", "expected a number"),
    ("cost > ‸1234567890123456", "at most 15 digits"),
    ("cost > ‸0.1234567891", "9 behind it"),
    ("tokens > 1‸,000", "expected “and”"),
    ("latency > ‸3", "a duration needs a unit"),
    ("latency > ‸3x", "units of durations are"),
    ("latency > ‸-3s", "expected a duration"),
    ("latency > ‸3s5", "a duration needs a unit"),
    ("latency > ‸0.5ns", "no finer than a nanosecond"),
    ("latency > ‸106752d", "292 years"),
    ("last_event > ‸soon", "expected a date or a time"),
    ("session is 'ünïcödé' and ‸nobody is here", "there is no field “nobody”"),
  ])
  func `an error says what and where`(_ marked: String, _ message: String?) throws {
    let text = marked.filter { $0 != "‸" }
    let place = try #require(marked.unicodeScalars.firstIndex(of: "‸"))
    guard let message else { return }
    let error = #expect(throws: FilterError.self) { try Filter(parsing: text) }
    #expect(error?.message.contains(message) ?? false, "\(error?.message ?? "nothing") of \(text)")
    #expect(error?.offset == marked.unicodeScalars.distance(from: marked.startIndex, to: place), "\(text)")
  }

  private func description(_ text: String) -> String {
    do {
      _ = try Filter(parsing: text)
      return "no error"
    } catch {
      return error.description
    }
  }

  @Test func `the place is shown below the text`() {
    #expect(
      description("tag is a and usr is b").hasSuffix(
        """
        metadata:PATH and score:NAME
          tag is a and usr is b
                       ^
        """))
    #expect(description("tag is") == "expected a value\n  tag is\n        ^")
  }

  @Test func `of several lines, the one with the place is shown`() {
    #expect(
      description("tag is a\n\tand cost > x\nand error")
        == "expected a number, found “x”\n   and cost > x\n              ^")
  }

  @Test func `of a long line, the part with the place is shown`() {
    let text =
      "tag is \(String(repeating: "a", count: 5000)) and cost > x and tag is \(String(repeating: "b", count: 5000))"
    let lines = description(text).split(separator: "\n").map(String.init)
    #expect(lines.count == 3)
    #expect(lines[1].count <= 110 && lines[1].contains(" and cost > x and") && lines[1].hasSuffix("b…"))
    #expect(Array(lines[1])[lines[2].count - 1] == "x")
  }

  @Test(arguments: [
    ("tag is '日本語' and ‸usr is b", 10 + 6 + 6), ("tag is '日本語' and cost > ‸日本", 10 + 6 + 13),
    ("tag is '😀e\u{301}' and ‸usr is b", 10 + 3 + 6), ("tag is '\u{202e}' and ‸usr is b", 10 + 8 + 6),
    ("tag is '\t' and ‸usr is b", 10 + 1 + 6),
  ])
  func `the caret stands in the column of the place`(marked: String, column: Int) throws {
    let lines = description(marked.replacing("‸", with: "")).split(separator: "\n").map(String.init)
    #expect(lines.last == String(repeating: " ", count: column) + "^")
    let rest = try #require(marked.split(separator: "‸").last)
    let line = lines[lines.count - 2]
    #expect(line.hasSuffix(rest))
    #expect(PlainText.width(String(line.dropLast(rest.count))) == column)
  }

  @Test(arguments: [1, 6, 20, 40, 80, 300])
  func `what is shown fits, and the place is in it`(columns: Int) throws {
    var random = SeededGenerator(seed: UInt64(columns))
    for _ in 0..<200 {
      let scalars = (0..<Int.random(in: 0...120, using: &random)).map { _ in
        "a漢😀\u{301}\u{202e}\t ".unicodeScalars.randomElement(using: &random)!
      }
      var text = String.UnicodeScalarView()
      text.append(contentsOf: scalars)
      let error = FilterError("no", at: Int.random(in: 0...scalars.count, using: &random), in: String(text))
      let lines = error.description(columns: columns).split(separator: "\n", omittingEmptySubsequences: false).map(
        String.init)
      guard !scalars.isEmpty else { continue }
      #expect(lines.count == 3)
      #expect(lines.dropFirst().allSatisfy { PlainText.width($0) <= max(columns, 6) })
      #expect(PlainText.harmless(lines[1]) == lines[1])
    }
  }

  @Test func `a message is one line, and not too long`() {
    #expect(description("cost > 'a\nb'").hasPrefix("expected a number, found “a b”\n"))
    let word = String(repeating: "x", count: 10_000)
    #expect(description("\(word) is a").prefix { $0 != "\n" }.count == 501)
  }

  @Test func `nothing that moves a cursor is shown`() {
    let shown = description("tag is '\u{1b}[31m\u{7}\u{9b}2J' or usr is a")
    #expect(!shown.unicodeScalars.contains { $0.properties.generalCategory == .control && $0 != "\n" })
  }

  @Test(arguments: ["(", "not ", "not("])
  func `depth is bounded`(_ opening: String) throws {
    let text = String(repeating: opening, count: 10_000) + "error"
    let error = #expect(throws: FilterError.self) { try Filter(parsing: text) }
    #expect(error?.message.contains("64 levels") ?? false)
    let closing = opening == "(" ? 64 : 0
    _ = try Filter(
      parsing: String(repeating: opening == "(" ? "(" : "not ", count: 64) + "error"
        + String(repeating: ")", count: closing))
  }

  @Test func `length, conditions and values are bounded`() throws {
    func refusal(_ text: String) -> String? {
      #expect(throws: FilterError.self) { try Filter(parsing: text) }?.message
    }
    #expect(refusal("tag is \(String(repeating: "a", count: 64 << 10))") == "a filter has at most 65536 bytes")
    let many = Array(repeating: "error", count: 256)
    _ = try Filter(parsing: many.joined(separator: " or "))
    #expect(refusal((many + ["error"]).joined(separator: " or ")) == "a filter has 256 conditions at most")
    let values = Array(repeating: "a", count: 4096)
    _ = try Filter(parsing: "tag is any of (\(values.joined(separator: ",")))")
    #expect(
      refusal("tag is any of (\(values.joined(separator: ","))) or tag is b") == "a filter has 4096 values at most")
  }
}
