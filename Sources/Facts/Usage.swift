import Glibc
import JSON
import OTLP

/// How many tokens a span says that it used.
///
/// `input` is to include what was cached, and `output` what was reasoned. That is what OpenTelemetry's conventions ask for, what
/// OpenInference means by its `_details`, and what neatlogs copies. Two senders don't keep to it:
///
/// - Langfuse's `usage_details` are buckets that don't overlap: `input` is what no other bucket has. So its buckets add up.
/// - Anthropic's API reports input without its cached parts, and some instrumentation forwards the figure as it is, under
///   any convention's names. That can't be seen from the provider's name, since others add the parts up first. It shows where
///   the parts are more than the whole, or where a total that is told is the sum of all of them. Where neither shows, the figure
///   is taken to be what its convention asks for: input that is a little too low beats tokens counted twice.
///   Likewise for reasoning: Gemini's output is without it, and the total with it.
enum Usage {
  /// Adds the parts that a whole leaves out.
  static func complete(_ counts: inout TokenCounts) {
    let cached = (counts.cacheRead ?? 0) + (counts.cacheWrite ?? 0)
    let reasoning = counts.reasoning ?? 0
    guard cached > 0 || reasoning > 0 else { return }
    // What a total has beyond input and output; 0 where nobody tells.
    var beyond: Int64 = 0
    if let total = counts.total, let input = counts.input, let output = counts.output {
      beyond = total - input - output
    }
    let isBoth = beyond == cached + reasoning
    if let input = counts.input, cached > input || (cached > 0 && (beyond == cached || isBoth)) {
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

  /// Langfuse's `usage_details`. A bucket is input, or output, when its name says so; names are free but for that. Some of its
  /// integrations hand OpenAI's own object on instead, whose wholes include their parts.
  static func ofLangfuse(_ details: JSONValue) -> TokenCounts {
    var counts = TokenCounts()
    for (name, value) in details.members {
      if name.equals("prompt_tokens") || name.equals("completion_tokens") || value.kind == .object {
        return ofModel(details)
      }
      guard let count = Quantity.tokens(value) else { continue }
      if name.equals("total") || name.equals("total_tokens") {
        counts.total = count
      } else if name.contains("input") {
        add(count, to: &counts.input)
        if name.contains("creation") || name.contains("write") {
          add(count, to: &counts.cacheWrite)
        } else if name.contains("cache") {
          add(count, to: &counts.cacheRead)
        }
      } else if name.contains("output") {
        add(count, to: &counts.output)
        if name.contains("reasoning") { add(count, to: &counts.reasoning) }
      }
    }
    return counts
  }

  /// Any number of buckets stays a number.
  private static func add(_ count: Int64, to sum: inout Int64?) { sum = min((sum ?? 0) + count, Quantity.mostTokens) }

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
  /// Takes what another has and this has not.
  mutating func fill(from other: TokenCounts) {
    input = input ?? other.input
    output = output ?? other.output
    total = total ?? other.total
    cacheRead = cacheRead ?? other.cacheRead
    cacheWrite = cacheWrite ?? other.cacheWrite
    reasoning = reasoning ?? other.reasoning
  }
}

// Of bytes: a search in strings would look for characters, which takes many times as long.
extension UnsafeRawBufferPointer {
  fileprivate func equals(_ word: StaticString) -> Bool {
    count == word.utf8CodeUnitCount && hasWord(word, at: 0)
  }

  fileprivate func contains(_ word: StaticString) -> Bool {
    (0...Swift.max(0, count - word.utf8CodeUnitCount)).contains { hasWord(word, at: $0) }
  }

  private func hasWord(_ word: StaticString, at place: Int) -> Bool {
    guard let baseAddress, count - place >= word.utf8CodeUnitCount else { return false }
    return memcmp(baseAddress + place, word.utf8Start, word.utf8CodeUnitCount) == 0
  }
}
