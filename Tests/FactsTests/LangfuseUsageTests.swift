import Facts
import TestSupport
import Testing

/// What Langfuse's integrations make of the usage that models' APIs report.
@Suite struct LangfuseUsageTests {
  private func tokens(_ details: String) throws -> TokenCounts {
    try extracted(["langfuse.observation.usage_details": .string(details)]).tokens
  }

  @Test(arguments: [
    // Anthropic's own object, as it is, and as the integration for LangChain flattens it.
    (
      #"{"input_tokens":2000,"output_tokens":100,"cache_read_input_tokens":600,"cache_creation_input_tokens":50,"cache_creation":{"ephemeral_5m_input_tokens":50,"ephemeral_1h_input_tokens":0},"server_tool_use":{"web_search_requests":1},"service_tier":"standard"}"#,
      TokenCounts(2650, 100, total: 2750, cacheRead: 600, cacheWrite: 50)
    ),
    (
      #"{"cache_read_input_tokens":600,"cache_creation_input_tokens":50,"input":350,"output":100,"cache_creation_ephemeral_5m_input_tokens":50,"cache_creation_ephemeral_1h_input_tokens":0}"#,
      TokenCounts(1000, 100, total: 1100, cacheRead: 600, cacheWrite: 50)
    ),
    // The split of what was written, taken off the input once more.
    (
      #"{"input":300,"output":100,"total":1100,"input_cache_read":600,"input_cache_creation":50,"input_ephemeral_5m_input_tokens":50,"input_ephemeral_1h_input_tokens":0}"#,
      TokenCounts(1000, 100, total: 1100, cacheRead: 600, cacheWrite: 50)
    ),
    // The split alone.
    (
      #"{"input":350,"output":100,"input_cache_read":600,"input_cache_creation_5m":20,"input_cache_creation_1h":30}"#,
      TokenCounts(1000, 100, total: 1100, cacheRead: 600, cacheWrite: 50)
    ),
    // OpenAI's tiers: those of priority are still in their wholes, the others are not.
    (
      #"{"input":1000,"output":100,"total":1100,"input_priority":400,"input_priority_cache_read":600,"output_priority":100,"output_priority_reasoning":7}"#,
      TokenCounts(1000, 100, total: 1100, cacheRead: 600, reasoning: 7)
    ),
    (
      #"{"input":0,"output":100,"total":1100,"input_flex":400,"input_flex_cache_read":600}"#,
      TokenCounts(1000, 100, total: 1100, cacheRead: 600)
    ),
    // LiteLLM tells what was cached by Anthropic's names and by OpenAI's.
    (
      #"{"cache_creation_input_tokens":50,"cache_read_input_tokens":600,"total":1100,"input":350,"output":100,"input_cached_tokens":600,"input_cache_creation_tokens":50}"#,
      TokenCounts(1000, 100, total: 1100, cacheRead: 600, cacheWrite: 50)
    ),
    // Vertex: by modality, with what was cached, or with that in the whole.
    (
      #"{"cached_content_token_count":600,"input":0,"output":0,"total":1100,"input_modality_TEXT":300,"input_modality_IMAGE":100,"output_modality_TEXT":100,"cached_modality_TEXT":500,"cached_modality_IMAGE":100}"#,
      TokenCounts(1000, 100, total: 1100, cacheRead: 600)
    ),
    (
      #"{"cached_content_token_count":600,"input":0,"output":100,"total":1100,"input_modality_TEXT":1000}"#,
      TokenCounts(1000, 100, total: 1100, cacheRead: 600)
    ),
    (
      #"{"thoughts_token_count":40,"input":1000,"output":60,"total":1100}"#,
      TokenCounts(1000, 100, total: 1100, reasoning: 40)
    ),
    // By hand: wholes with a part, which only a total can tell.
    (
      #"{"input":1000,"output":100,"total":1100,"cache_read_input_tokens":600}"#,
      TokenCounts(1000, 100, total: 1100, cacheRead: 600)
    ),
    (
      #"{"input":1000,"output":100,"cache_read_input_tokens":600}"#,
      TokenCounts(1600, 100, total: 1700, cacheRead: 600)
    ),
    // Two buckets of one kind that do add up, as the total tells.
    (
      #"{"input":300,"output":100,"total":1100,"input_cache_read":600,"input_audio_cache_read":100}"#,
      TokenCounts(1000, 100, total: 1100, cacheRead: 600)
    ),
    // A total that fits nothing is as it is told, unless it is too low.
    (#"{"input":300,"output":100,"total":500,"input_audio":50}"#, TokenCounts(350, 100, total: 500)),
    (#"{"input":300,"output":100,"total":399,"input_audio":50}"#, TokenCounts(350, 100, total: 450)),
    (#"{"input_audio":50,"output":100,"total":100}"#, TokenCounts(50, 100, total: 150)),
    (#"{"cached":600,"input":1000,"thoughts":"deep"}"#, TokenCounts(1000, nil, total: 1000)),
  ])
  func `counts each thing once`(details: String, expected: TokenCounts) throws {
    #expect(try tokens(details) == expected)
  }

  @Test func `any number of tokens stays a number`() throws {
    let most: Int64 = 1 << 40
    let counts = try tokens("{\"input\":\(most),\"input_audio\":\(most),\"input_cached_tokens\":\(most)}")
    #expect(counts == TokenCounts(most, nil, total: most, cacheRead: most))
  }
}
