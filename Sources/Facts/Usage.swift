import JSON
import OTLP

/// How many tokens a span says that it used.
///
/// `input` is to include what was cached, and `output` what was reasoned. That is what OpenTelemetry's conventions ask for, and what
/// OpenInference means by its `_details`. Some senders don't keep to it:
///
/// - Langfuse's `usage_details` are buckets that don't overlap: `LangfuseUsage` adds them up.
/// - Anthropic's API reports input without its cached parts, and some instrumentation forwards the figure as it is.
///   `FactConventions.rawInputs` has the keys that are known for it. By other keys the provider's name doesn't show it, since most
///   add the parts up first; but parts that are more than the whole do, and a total that is told as the sum of all of them. Where
///   neither shows, the figure is taken to be what its convention asks for: input that is a little too low beats tokens counted
///   twice. Likewise for reasoning: Gemini's output is without it, and the total with it.
enum Usage {
  /// Adds the parts that a whole leaves out; `inputIsUncached` where the input is known to leave out what was cached.
  static func complete(_ counts: inout TokenCounts, inputIsUncached: Bool = false) {
    let cached = (counts.cacheRead ?? 0) + (counts.cacheWrite ?? 0)
    let reasoning = counts.reasoning ?? 0
    guard cached > 0 || reasoning > 0 else { return }
    // What a total has beyond input and output; 0 where nobody tells.
    var beyond: Int64 = 0
    if let total = counts.total, let input = counts.input, let output = counts.output {
      beyond = total - input - output
    }
    let isBoth = beyond == cached + reasoning
    if let input = counts.input, inputIsUncached || cached > input || (cached > 0 && (beyond == cached || isBoth)) {
      counts.input = input + cached
      if beyond == cached, cached == reasoning { return }
    }
    if let output = counts.output, reasoning > output || (reasoning > 0 && (beyond == reasoning || isBoth)) {
      counts.output = output + reasoning
    }
  }

  /// Fills in the total: as told, unless it is less than its parts.
  static func sum(_ counts: inout TokenCounts) {
    guard counts.input != nil || counts.output != nil else { return }
    counts.total = max(counts.total ?? 0, (counts.input ?? 0) + (counts.output ?? 0))
  }

  /// An object of a model's API, or like it: OpenAI's two, LangWatch's and Braintrust's metrics.
  static func ofModel(_ object: JSONValue) -> TokenCounts {
    var counts = TokenCounts()
    for (key, value) in object.members { note(String(decoding: key, as: UTF8.self), value, in: &counts) }
    complete(&counts)
    return counts
  }

  private static func note(_ key: String, _ value: JSONValue, in counts: inout TokenCounts) {
    switch key {
    case "prompt_tokens_details", "input_tokens_details", "completion_tokens_details", "output_tokens_details":
      for (key, value) in value.members { note(String(decoding: key, as: UTF8.self), value, in: &counts) }
    case "prompt_tokens", "input_tokens", "promptTokens": counts.input = counts.input ?? Quantity.tokens(value)
    case "completion_tokens", "output_tokens", "completionTokens":
      counts.output = counts.output ?? Quantity.tokens(value)
    case "total_tokens", "tokens", "totalTokens": counts.total = counts.total ?? Quantity.tokens(value)
    case "cached_tokens", "prompt_cached_tokens", "cacheReadInputTokens", "cache_read_input_tokens":
      counts.cacheRead = counts.cacheRead ?? Quantity.tokens(value)
    case "prompt_cache_creation_tokens", "cacheCreationInputTokens", "cache_creation_input_tokens":
      counts.cacheWrite = counts.cacheWrite ?? Quantity.tokens(value)
    case "reasoning_tokens", "completion_reasoning_tokens", "reasoningTokens":
      counts.reasoning = counts.reasoning ?? Quantity.tokens(value)
    default: break
    }
  }

  /// Langfuse's `cost_details`, in dollars: their total, else the sum of what is there.
  static func costOfLangfuse(_ details: JSONValue) -> Double? {
    if let total = details["total"].flatMap(Quantity.dollars) { return total }
    let parts = details.members.compactMap { Quantity.dollars($0.value) }
    return parts.isEmpty ? nil : parts.reduce(0, +)
  }

  /// What LangWatch's and Braintrust's metrics say that a span cost, in dollars.
  static func cost(ofMetrics metrics: JSONValue) -> Double? {
    (metrics["cost"] ?? metrics["estimated_cost"]).flatMap(Quantity.dollars)
  }
}

extension TokenCounts {
  /// Takes what another has and this has not. Parts that are more than the whole here count in another way: they come with their
  /// own whole, or not at all.
  mutating func fill(from other: TokenCounts) {
    let own = self
    if input == nil || output == nil { total = total ?? other.total }
    input = input ?? other.input
    output = output ?? other.output
    cacheRead = cacheRead ?? other.cacheRead
    cacheWrite = cacheWrite ?? other.cacheWrite
    reasoning = reasoning ?? other.reasoning
    if let whole = input, cached > whole {
      let better = other.input.map { $0 >= other.cached } == true ? other : own
      (input, cacheRead, cacheWrite) = (better.input, better.cacheRead, better.cacheWrite)
    }
    if let whole = output, let part = reasoning, part > whole {
      let better = other.output.map { $0 >= other.reasoning ?? 0 } == true ? other : own
      (output, reasoning) = (better.output, better.reasoning)
    }
  }

  private var cached: Int64 { (cacheRead ?? 0) + (cacheWrite ?? 0) }
}
