/// A condition on traces, sessions, users or spans, as somebody wrote it.
package indirect enum Filter: Sendable, Equatable {
  case and(Filter, Filter)
  case or(Filter, Filter)
  case not(Filter)
  case comparison(Field, Comparison)

  /// What is asked about.
  package enum Field: Sendable, Hashable {
    case endUser, session, workflow, name, model, tag, trace
    /// A path into end-user metadata, its parts divided by dots.
    case metadata(String)
    /// Whether something failed: alone it is a condition (`error`).
    case error
    /// US dollars.
    case cost
    case tokens, inputTokens, outputTokens
    /// Of a trace; of a user or session the 95th percentile.
    case latency
    case traces, sessions, observations, errors
    case firstEvent, lastEvent
  }

  package enum Comparison: Sendable, Equatable {
    case exists
    case text(TextOperator, String)
    case anyOf([String])
    case noneOf([String])
    case number(NumberOperator, Double)
    /// Nanoseconds.
    case duration(NumberOperator, Int64)
    /// Nanoseconds since the Unix epoch.
    case time(NumberOperator, Int64)
  }

  package enum TextOperator: String, Sendable, CaseIterable {
    case `is`, isNot = "is not", contains, doesNotContain = "does not contain", startsWith = "starts with"
    case endsWith = "ends with"
  }

  package enum NumberOperator: String, Sendable, CaseIterable {
    case equal = "=", notEqual = "!=", less = "<", lessOrEqual = "<=", greater = ">", greaterOrEqual = ">="
  }
}
