import Glibc
import JSON
import OTLP

/// Langfuse's `usage_details`: buckets that are not to overlap, so that all of them add up. A bucket is input, or output, when its
/// name says so; names are free but for that.
///
/// What Langfuse's integrations make of what other APIs report does overlap: they tell one thing by two names, its split beside
/// it, or a part that its whole still has. So each thing counts once; and where a total is told, that shows what overlaps.
struct LangfuseUsage {
  private var input = Kind()
  private var cacheRead = Kind()
  private var cacheWrite = Kind()
  private var output = Kind()
  private var reasoning = Kind()
  private var total: Int64?

  /// What the object in a span's `usage_details` says. Some integrations hand OpenAI's own on, whose wholes include their parts;
  /// Anthropic's own is made of buckets.
  static func read(_ details: JSONValue) -> TokenCounts {
    var usage = LangfuseUsage()
    for (name, value) in details.members {
      let isOpenAIs =
        name.equals("prompt_tokens") || name.equals("completion_tokens")
        || value.kind == .object && name.contains("tokens_details")
      if isOpenAIs { return Usage.ofModel(details) }
      if let count = Quantity.tokens(value) { usage.add(count, name) }
    }
    return usage.counts
  }

  private mutating func add(_ count: Int64, _ name: UnsafeRawBufferPointer) {
    if name.equals("input") || name.equals("input_tokens") {
      input.add(count, isSplit: false)
    } else if name.equals("output") || name.equals("output_tokens") {
      output.add(count, isSplit: false)
    } else if name.equals("total") || name.equals("total_tokens") {
      total = count
    } else if name.contains("input") || name.contains("cached_content") || name.contains("cached_modality") {
      if name.contains("creation") || name.contains("write") || name.contains("ephemeral") {
        cacheWrite.add(count, isSplit: name.contains("ephemeral") || name.contains("_5m") || name.contains("_1h"))
      } else if name.contains("cache") {
        cacheRead.add(count, isSplit: name.contains("modality"))
      } else {
        input.add(count, isSplit: true)
      }
    } else if name.contains("thoughts_token") || name.contains("output") && name.contains("reasoning") {
      reasoning.add(count, isSplit: false)
    } else if name.contains("output") {
      output.add(count, isSplit: true)
    }
  }

  private var counts: TokenCounts {
    var counts = TokenCounts()
    counts.cacheRead = cacheRead.once
    counts.cacheWrite = cacheWrite.once
    counts.reasoning = reasoning.once
    counts.total = total
    let parts = (Self.sum(cacheRead.once, cacheWrite.once), reasoning.once)
    // Each thing once; or all buckets; or those that are no parts, which have the parts in them; or the wholes alone.
    let readings = [
      (Self.sum(input.all, parts.0), Self.sum(output.all, parts.1)),
      (Self.sum(input.all, Self.sum(cacheRead.all, cacheWrite.all)), Self.sum(output.all, reasoning.all)),
      (input.all, output.all),
      (input.whole ?? input.all, output.whole ?? output.all),
    ]
    let fitting = readings.first {
      Self.sum($0.0, $0.1) == total && parts.0 ?? 0 <= $0.0 ?? 0 && parts.1 ?? 0 <= $0.1 ?? 0
    }
    (counts.input, counts.output) = fitting ?? readings[0]
    return counts
  }

  /// What is told of one kind of tokens.
  private struct Kind {
    /// The largest of the figures that tell the whole of it.
    var whole: Int64?
    /// The sum of those that split it up.
    var split: Int64?
    /// The sum of all.
    var all: Int64?

    /// As if the split told nothing but what is in the whole.
    var once: Int64? { whole.map { max($0, split ?? 0) } ?? split }

    mutating func add(_ count: Int64, isSplit: Bool) {
      all = LangfuseUsage.sum(all, count)
      if isSplit { split = LangfuseUsage.sum(split, count) } else { whole = max(whole ?? 0, count) }
    }
  }

  /// Any number of buckets stays a number.
  private static func sum(_ one: Int64?, _ other: Int64?) -> Int64? {
    guard let one, let other else { return one ?? other }
    return min(one + other, Quantity.mostTokens)
  }
}

// Of bytes: a search in strings would look for characters, which takes many times as long.
extension UnsafeRawBufferPointer {
  fileprivate func equals(_ word: StaticString) -> Bool {
    count == word.utf8CodeUnitCount && hasWord(word, at: 0)
  }

  fileprivate func contains(_ word: StaticString) -> Bool {
    let first = word.utf8Start.pointee
    return indices.contains { self[$0] == first && hasWord(word, at: $0) }
  }

  private func hasWord(_ word: StaticString, at place: Int) -> Bool {
    guard let baseAddress, count - place >= word.utf8CodeUnitCount else { return false }
    return memcmp(baseAddress + place, word.utf8Start, word.utf8CodeUnitCount) == 0
  }
}
