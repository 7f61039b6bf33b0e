/// The tokens of one call of a model, which its price depends on.
package struct PricedUsage: Sendable, Equatable {
  /// All tokens in, those read from and written to a cache included.
  package var input: Int64 = 0
  package var cacheRead: Int64 = 0
  package var cacheWrite: Int64 = 0
  /// All tokens out, those of reasoning included.
  package var output: Int64 = 0
  package var reasoning: Int64 = 0

  package init() {}
}
