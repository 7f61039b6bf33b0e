import Testing

@testable import Prices

/// The built-in table by hand: prices as the providers publish them, and names as telemetry spells them.
@Suite struct PriceTableTests {
  private let table = PriceTable.builtIn
  /// 2026-06-01
  private let time = at(1_780_272_000)

  private func cost(_ model: String, _ provider: String? = nil, _ usage: PricedUsage) -> Int64? {
    table.cost(model: model, provider: provider, at: time, usage)
  }

  @Test func `prices input, output and caches`() {
    // gpt-4o: 2.5 in, 1.25 cached, 10 out, in dollars for a million.
    #expect(cost("gpt-4o", "openai", tokens(1000, 100)) == bill((1000, 2500), (100, 10_000)))
    #expect(cost("gpt-4o", "openai", tokens(1000, 0, read: 400)) == bill((600, 2500), (400, 1250)))
    // Nothing else is said about what is written to a cache.
    #expect(cost("gpt-4o", "openai", tokens(1000, 0, written: 400)) == bill((1000, 2500)))
    // claude-3-5-sonnet: 3 in, 0.3 read, 3.75 written, 15 out.
    #expect(
      cost("claude-3-5-sonnet-20241022", "anthropic", tokens(1000, 10, read: 500, written: 300, reasoning: 4))
        == bill((200, 3000), (500, 300), (300, 3750), (10, 15_000)))
    // sonar-deep-research: 2 in, 8 out, 3 for reasoning. sonar: 1 and 1, and 12 for a thousand requests.
    #expect(
      cost("sonar-deep-research", "perplexity", tokens(10, 100, reasoning: 60))
        == bill((10, 2000), (40, 8000), (60, 3000)))
    #expect(cost("sonar", "perplexity", tokens(10, 10)) == bill((20, 1000), (1, 12_000_000)))
  }

  @Test func `prices all tokens by the tier that the input reaches`() {
    // gemini-2.5-pro: 1.25 in, 10 out, 0.125 cached; above 200,000 in: 2.5, 15 and 0.25.
    #expect(cost("gemini-2.5-pro", "google", tokens(200_000, 100)) == bill((200_000, 1250), (100, 10_000)))
    #expect(cost("gemini-2.5-pro", "google", tokens(200_001, 100)) == bill((200_001, 2500), (100, 15_000)))
  }

  @Test func `prices a sum over calls by the first tier, however long it is`() {
    var sum = tokens(200_001, 100)
    sum.isSum = true
    #expect(cost("gemini-2.5-pro", "google", sum) == bill((200_001, 1250), (100, 10_000)))
  }

  @Test func `prices by the time of the call`() {
    // claude-sonnet-4-6 had a higher price for long inputs until 2026-03-13.
    let long = tokens(300_000, 0)
    #expect(table.cost(model: "claude-sonnet-4-6", provider: nil, at: at(1_773_359_999), long) == bill((300_000, 6000)))
    #expect(table.cost(model: "claude-sonnet-4-6", provider: nil, at: at(1_773_360_000), long) == bill((300_000, 3000)))
    #expect(table.cost(model: "claude-sonnet-4-6", provider: nil, at: 0, long) == bill((300_000, 6000)))
  }

  @Test func `rounds once, half a billionth up`() {
    // command-r7b: 0.0375 in, which is 37.5 billionths a token.
    #expect(cost("command-r7b", "cohere", tokens(1, 0)) == 38)
    #expect(cost("command-r7b", "cohere", tokens(3, 0)) == 113)
    #expect(cost("command-r7b", "cohere", tokens(2, 0)) == 75)
  }

  @Test func `takes nonsense for what it can mean`() {
    #expect(cost("gpt-4o", nil, tokens(-5, -5, read: -1)) == 0)
    #expect(cost("gpt-4o", nil, tokens(10, 1, read: 30, reasoning: 5)) == bill((30, 1250), (5, 10_000)))
    #expect(cost("gpt-4o", nil, tokens(.max, .max, read: .max, written: .max, reasoning: .max)) == .max)
  }

  @Test(arguments: [
    ("openai", "gpt-4o"), ("OpenAI", "gpt-4o"), ("openai.responses", "gpt-4o"), ("azure", "gpt-4o"),
    ("az.ai.inference", "gpt-4o"), ("azure.ai.openai", "gpt-4o"), ("", "openai/gpt-4o"),
    ("openrouter", "openai/gpt-4o"),
    ("litellm", "openai/gpt-4o"), ("", "azure/gpt-4o"), ("langchain", "gpt-4o"), ("", "openrouter/openai/gpt-4o"),
    ("", " GPT-4o "), ("openai", "gpt-4o-2024-11-20"), ("", "gpt-4o-20241120"),
  ])
  func `knows a model of OpenAI in every spelling`(provider: String, model: String) {
    #expect(cost(model, provider, tokens(1000, 0)) == 2_500_000)
  }

  @Test(arguments: [
    ("anthropic", "claude-3-5-sonnet-20241022"), ("aws.bedrock", "anthropic.claude-3-5-sonnet-20241022-v2:0"),
    ("aws.bedrock", "us.anthropic.claude-3-5-sonnet-20241022-v2:0"),
    ("", "eu.anthropic.claude-3-5-sonnet-20241022-v2:0"),
    ("", "anthropic.claude-3-5-sonnet-20240620-v1:0"), ("", "bedrock/us.anthropic.claude-3-5-sonnet-20241022-v2:0"),
    ("bedrock", "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-3-5-sonnet-20241022-v2:0"),
    ("gcp.vertex_ai", "claude-3-5-sonnet@20240620"), ("vertexai", "publishers/anthropic/models/claude-3-5-sonnet"),
    ("", "anthropic/claude-3.5-sonnet"), ("", "vertex_ai/claude-3-5-sonnet@20240620"),
    ("openai", "claude-3-5-sonnet-20241022"),
  ])
  func `knows a model of Anthropic in every spelling`(provider: String, model: String) {
    #expect(cost(model, provider, tokens(1000, 0)) == 3_000_000)
  }

  @Test(arguments: [
    ("gcp.gemini", "gemini-2.5-pro"), ("google", "models/gemini-2.5-pro"), ("", "gemini-2.5-pro"),
    ("", "google/gemini-2.5-pro"),
    ("vertex_ai", "projects/p/locations/l/publishers/google/models/gemini-2.5-pro"),
    ("gcp.vertex.agent", "gemini-2.5-pro"),
  ])
  func `knows a model of Google in every spelling`(provider: String, model: String) {
    #expect(cost(model, provider, tokens(1000, 0)) == 1_250_000)
  }

  @Test(arguments: [
    ("", "text-embedding-3-small", 20_000), ("mistral_ai", "mistral-large-2411", 2_000_000),
    ("x_ai", "grok-3", 3_000_000),
    ("", "xai/grok-3", 3_000_000), ("groq", "llama-3.3-70b-versatile", 590_000),
    ("cohere", "command-r-plus", 2_500_000),
  ])
  func `knows models of others`(provider: String, model: String, expected: Int64) {
    #expect(cost(model, provider, tokens(1000, 0)) == expected)
  }

  @Test(arguments: [
    ("openai", "no-such-model"), ("", "no-such-model"), ("", ""), ("openai", ""), ("", "a/b/c/d/e/f/g/gpt-4o"),
    ("", "/"),
    ("ollama", "deepseek-r1"), ("", "ollama/deepseek-r1"), ("vllm", "gpt-4o"), ("", "."), ("", "anthropic."),
    ("", "us.us.gpt-4o"),
    ("", String(repeating: "gpt-4o", count: 100)), ("openai", "whisper-1"), ("", "anthropic.-v1:0"), ("", "openai.-v:"),
  ])
  func `does not guess`(provider: String, model: String) {
    #expect(cost(model, provider, tokens(1000, 0)) == nil)
  }

  @Test func `knows nothing without the built-in table`() {
    let empty = PriceTable(builtIn: false, overrides: [])
    #expect(empty.cost(model: "gpt-4o", provider: "openai", at: time, tokens(1, 1)) == nil)
  }

  @Test func `numbers days as UTC does`() {
    #expect(Catalogue.day(year: 1970, month: 1, day: 1) == 0)
    #expect(Catalogue.day(year: 2000, month: 2, day: 29) == 11_016)
    #expect(Catalogue.day(year: 2000, month: 3, day: 1) == 11_017)
    #expect(Catalogue.day(year: 2026, month: 12, day: 31) == 20_818)
  }

  @Test func `holds between times of a day, over midnight too`() {
    let day = PriceSchedule.Condition.daily(start: 1800, end: 59_400)
    #expect(!day.holds(at: 86_400 + 1799) && day.holds(at: 86_400 + 1800))
    #expect(day.holds(at: 59_399) && !day.holds(at: 59_400))
    let night = PriceSchedule.Condition.daily(start: 80_000, end: 100)
    #expect(night.holds(at: 80_000) && night.holds(at: 99) && !night.holds(at: 100) && !night.holds(at: 79_999))
  }
}
