import Testing

@testable import Prices

/// The operator's own prices.
@Suite struct PriceRuleTests {
  private func cost(_ rules: [PriceRule], _ model: String, _ usage: PricedUsage = tokens(1, 0)) -> Int64? {
    PriceTable(overrides: rules).cost(model: model, provider: nil, at: 0, usage)
  }

  @Test func `asks exact names, then the longest prefix, then expressions in order, then the built-in table`() throws {
    let rules = [
      try PriceRule(.regex("^gpt-.*mini"), input: 1, output: 0), try PriceRule(.regex("mini"), input: 2, output: 0),
      try PriceRule(.prefix("gpt-4"), input: 3, output: 0), try PriceRule(.prefix("gpt-4o-m"), input: 4, output: 0),
      try PriceRule(.exact("GPT-4o-mini"), input: 5, output: 0),
    ]
    #expect(cost(rules, "gpt-4o-MINI") == 5000)
    #expect(cost(rules, "gpt-4o-mini-2024-07-18") == 4000)
    #expect(cost(rules, "gpt-4") == 3000)
    #expect(cost(rules, "gpt-5-mini") == 1000)
    #expect(cost(rules, "my-minimal-model") == 2000)
    #expect(cost(rules, "claude-3-5-sonnet-20241022") == 3000)
    #expect(cost(rules, "unheard-of") == nil)
  }

  @Test func `takes the later of two rules for a name`() throws {
    let rules = [try PriceRule(.exact("m"), input: 1, output: 0), try PriceRule(.exact("M"), input: 2, output: 0)]
    #expect(cost(rules, "m") == 2000)
  }

  @Test func `knows prices of caches and reasoning`() throws {
    let full = try PriceRule(.exact("m"), input: 1, output: 10, cacheRead: 0.1, cacheWrite: 2, reasoning: 20)
    #expect(
      cost([full], "m", tokens(10, 5, read: 4, written: 3, reasoning: 2))
        == bill((3, 1000), (4, 100), (3, 2000), (3, 10_000), (2, 20_000)))
    let plain = try PriceRule(.exact("m"), input: 1, output: 10)
    #expect(cost([plain], "m", tokens(10, 5, read: 4, written: 3, reasoning: 2)) == bill((10, 1000), (5, 10_000)))
  }

  @Test func `takes expressions of the POSIX kind, wherever they match`() throws {
    let rules = [try PriceRule(.regex("(small|TINY)-[0-9]{2,3}$"), input: 1, output: 0)]
    #expect(cost(rules, "our/small-12") == 1000 && cost(rules, "our-Tiny-123") == 1000)
    #expect(cost(rules, "small-1") == nil && cost(rules, "small-12b") == nil)
  }

  @Test(arguments: [
    ("(a", "not a regular expression: Unmatched ( or \\("), ("", "the regular expression is empty"),
    ("gpt-\\d+", "\\d means nothing in a POSIX regular expression: write [0-9]"),
    ("(?i)gpt", "POSIX regular expressions have no (?…) groups"),
    ("a\0b", "a regular expression can't hold a zero byte"),
    ("[b-a]", "not a regular expression: Invalid range end"),
  ])
  func `says what is wrong with an expression`(pattern: String, message: String) {
    #expect(throws: PriceRuleError(message)) { try PriceRule(.regex(pattern), input: 1, output: 1) }
  }

  @Test func `takes what only looks like another kind of expression`() throws {
    for pattern in ["a\\\\d", "\\(?a", "a?"] { _ = try PriceRule(.regex(pattern), input: 1, output: 1) }
  }

  @Test func `refuses empty names and prices that are none`() {
    #expect(throws: PriceRuleError("the name of a model is empty")) { try PriceRule(.prefix(" "), input: 1, output: 1) }
    let message = "a price is from 0 to 1000000 dollars for a million tokens"
    for price in [-1, .nan, .infinity, 1_000_001] as [Double] {
      #expect(throws: PriceRuleError("output: \(message)")) { try PriceRule(.exact("m"), input: 1, output: price) }
      #expect(throws: PriceRuleError("cache_read: \(message)")) {
        try PriceRule(.exact("m"), input: 1, output: 1, cacheRead: price)
      }
    }
  }
}

@Suite struct PriceLookupTests {
  private func cost(_ lookup: inout PriceLookup, _ model: String, _ provider: String) -> Int64? {
    Array(model.utf8).withUnsafeBytes { model in
      Array(provider.utf8).withUnsafeBytes { provider in
        lookup.cost(model: model, provider: provider, at: 0, tokens(1000, 100))
      }
    }
  }

  @Test func `says what the table says, again and again`() {
    var lookup = PriceLookup(.builtIn)
    let names = ["gpt-4o", "claude-3-opus", "unheard-of", "", "gemini-2.5-pro"]
    for _ in 0..<3 {
      for model in names {
        for provider in ["", "openai", "google", "gpt-4o"] {
          let expected = PriceTable.builtIn.cost(model: model, provider: provider, at: 0, tokens(1000, 100))
          #expect(cost(&lookup, model, provider) == expected, "\(model) of \(provider)")
        }
      }
    }
  }

  @Test func `tells names apart that are the same in a row`() {
    var lookup = PriceLookup(.builtIn)
    #expect(cost(&lookup, "gpt-4o", "") == 3_500_000)
    #expect(cost(&lookup, "gpt-4", "o") != cost(&lookup, "gpt-4o", ""))
    #expect(cost(&lookup, "", "gpt-4o") == nil)
  }

  @Test func `survives more names than it remembers`() {
    var lookup = PriceLookup(.builtIn)
    for number in 0..<10_000 {
      #expect(cost(&lookup, "strange-\(number)", "") == nil)
      if number % 1000 == 0 { #expect(cost(&lookup, "gpt-4o", "openai") == 3_500_000) }
    }
  }
}
