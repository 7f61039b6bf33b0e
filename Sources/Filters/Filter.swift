/// A condition on users, sessions, traces or spans, as somebody wrote it. docs/filters.md has the language.
///
/// A condition is true or false, never unknown: what is absent equals nothing, contains nothing and compares with nothing,
/// and a negation is the exact complement.
package struct Filter: Sendable {
  /// The longest text that one is read from, in bytes.
  package static let maxBytes = FilterParser.maxBytes

  package let condition: Condition
  /// What it was read from; empty when a program made it.
  let text: String
  /// Where each field first stands in the text, counted in Unicode scalars.
  private let places: [Field: Int]

  /// Reads a filter.
  ///
  /// - Throws: what is wrong with the text, and where.
  package init(parsing text: String) throws(FilterError) {
    var parser = try FilterParser(text)
    condition = try parser.parse()
    places = parser.places
    self.text = text
  }

  /// A filter that nobody wrote.
  package init(_ condition: Condition) {
    self.condition = condition
    text = ""
    places = [:]
  }

  /// The same of end users who may be known by another name as well: whoever is asked for by one is meant by both.
  package func naming(endUsersAlso other: (String) -> String) -> Filter {
    Filter(condition: condition.naming(endUsersAlso: other), text: text, places: places)
  }

  private init(condition: Condition, text: String, places: [Field: Int]) {
    self.condition = condition
    self.text = text
    self.places = places
  }

  /// What is wrong with a field here, for whoever can't ask about it.
  package func error(at field: Field, _ message: String) -> FilterError {
    FilterError(message, at: places[field] ?? 0, in: text)
  }

  package indirect enum Condition: Sendable, Equatable {
    /// Of two conditions or more.
    case and([Condition])
    case or([Condition])
    case not(Condition)
    case comparison(Field, Comparison)
  }

  /// What is asked of a field. There are no negative comparisons: `is not` is the `not` of `is`.
  package enum Comparison: Sendable, Equatable {
    /// Whether there is a value; of `error`, whether it is true.
    case exists
    case text(TextOperator, String)
    case anyOf([String])
    case number(NumberOperator, Number)
    /// Nanoseconds.
    case duration(NumberOperator, Int64)
    /// Nanoseconds since the Unix epoch.
    case time(NumberOperator, Int64)
  }

  package enum TextOperator: String, Sendable, CaseIterable {
    case `is`, contains, startsWith = "starts with", endsWith = "ends with"
  }

  package enum NumberOperator: String, Sendable, CaseIterable {
    case equal = "=", less = "<", lessOrEqual = "<=", greater = ">", greaterOrEqual = ">="

    /// Whether the first number has this relation to the second.
    func holds(_ one: Int128, _ other: Int128) -> Bool {
      switch self {
      case .equal: one == other
      case .less: one < other
      case .lessOrEqual: one <= other
      case .greater: one > other
      case .greaterOrEqual: one >= other
      }
    }
  }
}

extension Filter.Condition {
  fileprivate func naming(endUsersAlso other: (String) -> String) -> Filter.Condition {
    switch self {
    case .and(let parts): .and(parts.map { $0.naming(endUsersAlso: other) })
    case .or(let parts): .or(parts.map { $0.naming(endUsersAlso: other) })
    case .not(let part): .not(part.naming(endUsersAlso: other))
    case .comparison(.endUser, .text(.is, let name)): .comparison(.endUser, .anyOf([name, other(name)]))
    case .comparison(.endUser, .anyOf(let names)): .comparison(.endUser, .anyOf(names + names.map(other)))
    case .comparison: self
    }
  }
}
