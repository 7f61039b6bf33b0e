import Facts
import TestSupport
import Testing

/// Anthropic reports input without what was cached. Some senders hand that figure on, others add the parts up first.
@Suite struct RawUsageTests {
  private func tokens(_ attributes: KeyValuePairs<String, StubValue>) throws -> TokenCounts {
    try extracted(attributes).tokens
  }

  private func neatlogs(_ provider: String, cacheWrite: StubValue = 50) throws -> TokenCounts {
    try tokens([
      "neatlogs.llm.provider": .string(provider), "neatlogs.llm.token_count.prompt": 2000,
      "neatlogs.llm.token_count.completion": 100, "neatlogs.llm.token_count.total": 2100,
      "neatlogs.llm.token_count.cache_read": 600, "neatlogs.llm.token_count.cache_write": cacheWrite,
    ])
  }

  @Test func `neatlogs hands Anthropic's figures on`() throws {
    let whole = TokenCounts(2650, 100, total: 2750, cacheRead: 600, cacheWrite: 50)
    #expect(try neatlogs("anthropic") == whole)
    #expect(try neatlogs("Anthropic") == whole)
    #expect(
      try neatlogs("anthropic", cacheWrite: 0) == TokenCounts(2600, 100, total: 2700, cacheRead: 600, cacheWrite: 0))
  }

  @Test func `neatlogs' figures from others are wholes`() throws {
    for provider in ["openai", "anthropic2", "anthropi", "openrouter", ""] {
      #expect(
        try neatlogs(provider) == TokenCounts(2000, 100, total: 2100, cacheRead: 600, cacheWrite: 50), "\(provider)")
    }
    // Frameworks that add up first tell nothing of writes.
    #expect(try neatlogs("anthropic", cacheWrite: .empty) == TokenCounts(2000, 100, total: 2100, cacheRead: 600))
  }

  /// What another instrumentation says stands there as it came, and neatlogs' copy beside it.
  @Test func `neatlogs' copy of another convention's figure is that convention's`() throws {
    for key in ["gen_ai.usage.input_tokens", "llm.token_count.prompt"] {
      let counts = try tokens([
        "neatlogs.llm.provider": "anthropic", "neatlogs.llm.token_count.prompt": 2000,
        "neatlogs.llm.token_count.cache_read": 600, "neatlogs.llm.token_count.cache_write": 50, key: 2000,
      ])
      #expect(counts == TokenCounts(2000, nil, total: 2000, cacheRead: 600, cacheWrite: 50), "\(key)")
    }
  }

  private func postHog(_ provider: String, isExclusive: StubValue = .empty) throws -> TokenCounts {
    try tokens([
      "$ai_provider": .string(provider), "$ai_input_tokens": 2000, "$ai_output_tokens": 100,
      "$ai_cache_read_input_tokens": 600, "$ai_cache_reporting_exclusive": isExclusive,
    ])
  }

  @Test func `PostHog's input is the provider's, unless the span says what it is`() throws {
    let (raw, whole) = (
      TokenCounts(2600, 100, total: 2700, cacheRead: 600), TokenCounts(2000, 100, total: 2100, cacheRead: 600)
    )
    #expect(try postHog("anthropic") == raw)
    #expect(try postHog("openai") == whole)
    #expect(try postHog("anthropic", isExclusive: .bool(false)) == whole)
    #expect(try postHog("openai", isExclusive: .bool(true)) == raw)
    #expect(try postHog("openai", isExclusive: "true") == whole)
  }

  @Test func `OpenTelemetry's input is a whole, whoever the provider is`() throws {
    #expect(
      try tokens([
        "gen_ai.provider.name": "anthropic", "gen_ai.usage.input_tokens": 2000, "gen_ai.usage.output_tokens": 100,
        "gen_ai.usage.cache_read.input_tokens": 600, "gen_ai.usage.cache_creation.input_tokens": 50,
        "$ai_cache_reporting_exclusive": true,
      ]) == TokenCounts(2000, 100, total: 2100, cacheRead: 600, cacheWrite: 50))
  }
}
