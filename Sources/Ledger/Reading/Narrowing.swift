import Filters

/// What the ledger can tell of a view's rows without looking at them: which of them fulfil a part of a filter.
indirect enum Narrowing: Sendable {
  /// Blocks have in a column one of the numbers that a statement selects (see `RowBlock`).
  case numbers(column: Int, sql: String, parameters: [SQLValue])
  /// A statement selects the rows' ids.
  case rows(sql: String, parameters: [SQLValue])
  case all([Narrowing])
  case any([Narrowing])

  /// Takes out of a condition what narrows.
  ///
  /// - Returns: the narrowing, and what is to be asked of the rows that it finds, nil for nothing; nil where nothing narrows,
  ///   or an index finds the rows right away.
  static func split(
    _ condition: Filter.Condition, view: LedgerView
  ) -> (narrowing: Narrowing, rest: Filter.Condition?)? {
    switch condition {
    case .comparison(let field, let comparison):
      return FilterSQL.narrowing(field, comparison, view: view).map { ($0, nil) }
    case .and(let conditions):
      if conditions.contains(where: isFoundAnyway) { return nil }
      var parts: [Narrowing] = []
      var rests: [Filter.Condition] = []
      for condition in conditions {
        if let (part, rest) = split(condition, view: view) {
          parts.append(part)
          if let rest { rests.append(rest) }
        } else {
          rests.append(condition)
        }
      }
      return parts.isEmpty ? nil : (.all(parts), rests.count > 1 ? .and(rests) : rests.first)
    case .or(let conditions):
      let parts = conditions.compactMap { split($0, view: view) }
      guard parts.count == conditions.count else { return nil }
      return (.any(parts.map(\.narrowing)), parts.allSatisfy { $0.rest == nil } ? nil : condition)
    case .not: return nil
    }
  }

  /// Whether a condition names the end user, session or trace.
  private static func isFoundAnyway(_ condition: Filter.Condition) -> Bool {
    guard case .comparison(let field, let comparison) = condition, [.endUser, .session, .trace].contains(field) else {
      return false
    }
    switch comparison {
    case .text(.is, _), .anyOf: return true
    default: return false
    }
  }
}
