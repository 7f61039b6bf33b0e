import Facts
import TestSupport
import Testing

/// Input includes what was cached, output what was reasoned, whatever the sender means by them.
@Suite struct UsageTests {
  private func tokens(_ attributes: KeyValuePairs<String, StubValue>) throws -> TokenCounts {
    try extracted(attributes).tokens
  }

  @Test func `figures that include their parts stay as they are`() throws {
    #expect(
      try tokens([
        "gen_ai.provider.name": "anthropic", "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 50,
        "gen_ai.usage.cache_read.input_tokens": 900, "gen_ai.usage.cache_creation.input_tokens": 100,
      ]) == TokenCounts(1000, 50, total: 1050, cacheRead: 900, cacheWrite: 100))
  }

  /// Anthropic's own: 10 tokens that were not cached, 900 read, 100 written.
  @Test func `parts that are more than the whole are added to it`() throws {
    #expect(
      try tokens([
        "gen_ai.system": "anthropic", "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 50,
        "gen_ai.usage.cache_read_input_tokens": 900, "gen_ai.usage.cache_creation_input_tokens": 100,
      ]) == TokenCounts(1010, 50, total: 1060, cacheRead: 900, cacheWrite: 100))
    #expect(
      try tokens([
        "llm.token_count.prompt": 10, "llm.token_count.completion": 3,
        "llm.token_count.completion_details.reasoning": 40, "llm.token_count.total": 13,
      ]) == TokenCounts(10, 43, total: 53, reasoning: 40))
  }

  @Test func `a total that is the sum of all parts shows that the whole leaves them out`() throws {
    #expect(
      try tokens([
        "gen_ai.usage.input_tokens": 500, "gen_ai.usage.output_tokens": 50, "gen_ai.usage.total_tokens": 850,
        "gen_ai.usage.cache_read.input_tokens": 300,
      ]) == TokenCounts(800, 50, total: 850, cacheRead: 300))
    // Gemini: prompt + candidates + thoughts.
    #expect(
      try tokens([
        "gen_ai.usage.input_tokens": 500, "gen_ai.usage.output_tokens": 50, "gen_ai.usage.total_tokens": 570,
        "gen_ai.usage.reasoning_tokens": 20,
      ]) == TokenCounts(500, 70, total: 570, reasoning: 20))
    #expect(
      try tokens([
        "gen_ai.usage.input_tokens": 500, "gen_ai.usage.output_tokens": 50, "gen_ai.usage.total_tokens": 870,
        "gen_ai.usage.cache_read.input_tokens": 300, "gen_ai.usage.reasoning_tokens": 20,
      ]) == TokenCounts(800, 70, total: 870, cacheRead: 300, reasoning: 20))
    // Only one of two equal parts can have been left out.
    #expect(
      try tokens([
        "gen_ai.usage.input_tokens": 500, "gen_ai.usage.output_tokens": 50, "gen_ai.usage.total_tokens": 580,
        "gen_ai.usage.cache_read.input_tokens": 30, "gen_ai.usage.reasoning_tokens": 30,
      ]) == TokenCounts(530, 50, total: 580, cacheRead: 30, reasoning: 30))
  }

  @Test(arguments: [
    (#"{"input":10,"output":5}"#, TokenCounts(10, 5, total: 15)),
    (#"{"input":10,"cache_read_input_tokens":90,"output":5}"#, TokenCounts(100, 5, total: 105, cacheRead: 90)),
    (
      #"{"input":1,"input_cache_read":90,"cache_creation_input_tokens":9,"output":5,"output_reasoning":2,"total":107}"#,
      TokenCounts(100, 7, total: 107, cacheRead: 90, cacheWrite: 9, reasoning: 2)
    ),
    // OpenAI's own objects include what their details tell.
    (
      #"{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120,"prompt_tokens_details":{"cached_tokens":60},"completion_tokens_details":{"reasoning_tokens":5}}"#,
      TokenCounts(100, 20, total: 120, cacheRead: 60, reasoning: 5)
    ),
    (
      #"{"input_tokens":100,"output_tokens":20,"total_tokens":120,"input_tokens_details":{"cached_tokens":60},"output_tokens_details":{"reasoning_tokens":5}}"#,
      TokenCounts(100, 20, total: 120, cacheRead: 60, reasoning: 5)
    ),
    (#"{"input":210,"total":210}"#, TokenCounts(210, nil, total: 210)),
    (#"{"input":-1,"output":"many","total":null}"#, TokenCounts()),
    ("[]", TokenCounts()), ("{", TokenCounts()), ("12", TokenCounts()),
  ])
  func `Langfuse's buckets add up`(text: String, expected: TokenCounts) throws {
    #expect(try tokens(["langfuse.observation.usage_details": .string(text)]) == expected)
  }

  @Test func `Langfuse's figures go before others on the same span`() throws {
    #expect(
      try tokens([
        "gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 8, "gen_ai.usage.total_tokens": 15,
        "gen_ai.usage.reasoning_tokens": 3,
        "langfuse.observation.usage_details": #"{"input":10,"input_cached_tokens":90,"output":5}"#,
      ]) == TokenCounts(100, 5, total: 105, cacheRead: 90, reasoning: 3))
  }

  @Test func `a part comes with its own whole where it doesn't fit into another's`() throws {
    #expect(
      try tokens([
        "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 90,
        "gen_ai.usage.cache_read.input_tokens": 600, "gen_ai.usage.reasoning.output_tokens": 60,
        "langfuse.observation.usage_details": #"{"input":400,"output":30}"#,
      ]) == TokenCounts(1000, 90, total: 1090, cacheRead: 600, reasoning: 60))
    #expect(
      try tokens([
        "gen_ai.usage.input_tokens": 350,
        "braintrust.metrics": #"{"prompt_tokens":1000,"prompt_cached_tokens":600,"completion_tokens":100}"#,
      ]) == TokenCounts(1000, 100, total: 1100, cacheRead: 600))
    // Without a whole that it fits into, it is left out.
    #expect(
      try tokens([
        "gen_ai.usage.cache_read.input_tokens": 600,
        "langfuse.observation.usage_details": #"{"input":400,"output":30}"#,
      ]) == TokenCounts(400, 30, total: 430))
  }

  @Test func `a total of other figures is not this one's`() throws {
    #expect(
      try tokens([
        "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.total_tokens": 1100,
        "langfuse.observation.usage_details": #"{"input":400,"output":100}"#,
      ]) == TokenCounts(400, 100, total: 500))
    #expect(
      try tokens([
        "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5, "gen_ai.usage.total_tokens": 20,
        "langfuse.observation.usage_details": #"{"input":10}"#,
      ]) == TokenCounts(10, 5, total: 20))
  }

  @Test func `missing figures are unknown, and nothing but a total is no sum`() throws {
    #expect(try tokens(["gen_ai.usage.input_tokens": 10]) == TokenCounts(10, nil, total: 10))
    #expect(try tokens(["llm.token_count.total": 10]) == TokenCounts(total: 10))
    #expect(try tokens(["gen_ai.request.model": "m"]) == TokenCounts())
    #expect(try tokens(["gen_ai.usage.output_tokens": 0]) == TokenCounts(nil, 0, total: 0))
  }

  @Test func `what is no count is as if it were not there`() throws {
    let values: [StubValue] = [
      .int(-1), .int(.min), .int(1 << 41), .double(1.5), .double(.nan), .double(.infinity), .double(-3), .string("ten"),
      .string(""), .string("-4"), .string("0x10"), .string("1e300"), .bool(true), .array([1]), .empty, .bytes([1]),
    ]
    for value in values {
      let counts = try tokens(["gen_ai.usage.input_tokens": value, "llm.token_count.prompt": 3])
      #expect(counts == TokenCounts(3, nil, total: 3), "\(value)")
      #expect(try tokens(["gen_ai.usage.input_tokens": value]).isEmpty, "\(value)")
    }
    for value in [StubValue.int(12), .double(12), .string("12"), .string("12.0")] {
      #expect(try tokens(["gen_ai.usage.input_tokens": value]).input == 12, "\(value)")
    }
  }

  @Test func `a key that a span has twice counts as it came first`() throws {
    #expect(try tokens(["llm.token_count.prompt": 3, "llm.token_count.prompt": 5]).input == 3)
  }

  @Test func `a price is rounded to billionths, and what is none is ignored`() throws {
    func cost(_ value: StubValue) throws -> Int64? { try extracted(["gen_ai.usage.cost": value]).cost }
    #expect(try cost(.double(0.1 + 0.2)) == 300_000_000)
    #expect(try cost(.double(1e-9)) == 1)
    #expect(try cost(.double(4e-10)) == 0)
    #expect(try cost(.double(0)) == 0)
    #expect(try cost(.int(2)) == 2_000_000_000)
    #expect(try cost(.string("0.25")) == 250_000_000)
    for value in [
      StubValue.double(.nan), .double(.infinity), .double(-0.1), .double(1e7), .string("free"), .string("inf"),
      .int(-1),
      .bool(true),
    ] {
      #expect(try cost(value) == nil, "\(value)")
    }
  }

  @Test func `a total goes before its parts, and one part is better than nothing`() throws {
    #expect(try extracted(["llm.cost.total": .double(1), "llm.cost.prompt": .double(5)]).cost == 1_000_000_000)
    #expect(
      try extracted(["llm.cost.completion": .double(0.5), "llm.cost.prompt": .double(0.25)]).cost == 750_000_000)
    #expect(try extracted(["llm.cost.prompt": .double(0.25)]).cost == 250_000_000)
    #expect(
      try extracted([
        "langfuse.observation.cost_details": #"{"input":0.1,"output":0.2}"#, "llm.cost.total": .double(1),
      ]).cost == 300_000_000)
    #expect(
      try extracted(["langfuse.observation.cost_details": "{}", "llm.cost.total": .double(1)]).cost == 1_000_000_000)
    #expect(try extracted(["neatlogs.agent.cost_usd": .double(2)]).cost == 2_000_000_000)
  }
}
