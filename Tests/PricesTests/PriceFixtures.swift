import Testing

@testable import Prices

/// A usage of so many tokens in and out.
func tokens(
  _ input: Int64, _ output: Int64, read: Int64 = 0, written: Int64 = 0, reasoning: Int64 = 0
) -> PricedUsage {
  var usage = PricedUsage()
  (usage.input, usage.output) = (input, output)
  (usage.cacheRead, usage.cacheWrite, usage.reasoning) = (read, written, reasoning)
  return usage
}

/// Nanoseconds since the Unix epoch, of seconds.
func at(_ seconds: UInt64) -> UInt64 { seconds * 1_000_000_000 }

/// So many tokens at so many billionths of a dollar each.
func bill(_ parts: (tokens: Int64, price: Int64)...) -> Int64 {
  parts.reduce(0) { $0 + $1.tokens * $1.price }
}
