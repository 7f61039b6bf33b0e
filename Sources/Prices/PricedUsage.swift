/// The tokens of one call of a model, or of several, which their price depends on.
package struct PricedUsage: Sendable, Equatable {
  /// All tokens in, those read from and written to a cache included.
  package var input: Int64 = 0
  package var cacheRead: Int64 = 0
  package var cacheWrite: Int64 = 0
  /// All tokens out, those of reasoning included.
  package var output: Int64 = 0
  package var reasoning: Int64 = 0
  /// Whether these are several calls', of which nobody knows how long they were: no tier by length holds then but the first.
  package var isSum = false

  /// How many tokens went into a call, as far as it is known to be one.
  var lengthOfCall: Int64 { isSum ? 0 : input }

  package init() {}
}
