package import Filters

/// What a list of the ledger shows.
package enum LedgerView: String, Sendable, CaseIterable {
  case users, sessions, traces, scores

  /// How filters call the table's rows.
  var alias: String {
    switch self {
    case .users: "u"
    case .sessions: "s"
    case .traces: "t"
    case .scores: "sc"
    }
  }
}

/// A filter as a condition of SQL, for the `WHERE` of a query whose rows are `users u`, `sessions s`, `traces t` or
/// `scores sc`.
///
/// Every value is a parameter, bound in order. A negation is pushed down to the comparisons, and is `IS NOT TRUE` there, so
/// that what is absent makes a condition false and its negation true; elsewhere comparisons stay bare, for indexes to
/// serve them. The condition as a whole is true, false, or NULL, which a `WHERE` takes for false.
package struct FilterSQL {
  package private(set) var sql = ""
  package private(set) var parameters: [SQLValue] = []
  let view: LedgerView

  /// - Throws: a field that the view has not.
  package init(_ filter: Filter, view: LedgerView) throws(FilterError) {
    try self.init(filter.condition, of: filter, view: view)
  }

  /// A part of a filter.
  init(_ condition: Filter.Condition, of filter: Filter, view: LedgerView) throws(FilterError) {
    self.view = view
    try append(condition, isNegated: false, of: filter)
  }

  private mutating func append(
    _ condition: Filter.Condition, isNegated: Bool, of filter: Filter
  ) throws(FilterError) {
    switch condition {
    case .not(let condition): try append(condition, isNegated: !isNegated, of: filter)
    case .and(let conditions): try append(conditions, joint: isNegated ? " OR " : " AND ", isNegated, of: filter)
    case .or(let conditions): try append(conditions, joint: isNegated ? " AND " : " OR ", isNegated, of: filter)
    case .comparison(let field, let comparison):
      sql += "("
      guard append(field, comparison) else {
        throw filter.error(at: field, "\(view.rawValue) have no “\(field.name)”")
      }
      sql += isNegated ? ") IS NOT TRUE" : ")"
    }
  }

  private mutating func append(
    _ conditions: [Filter.Condition], joint: String, _ isNegated: Bool, of filter: Filter
  ) throws(FilterError) {
    sql += "("
    for (position, condition) in conditions.enumerated() {
      if position > 0 { sql += joint }
      try append(condition, isNegated: isNegated, of: filter)
    }
    sql += ")"
  }

  /// What narrows a view's rows down to those that fulfil a comparison; nil where nothing is prepared for that.
  static func narrowing(_ field: Filter.Field, _ comparison: Filter.Comparison, view: LedgerView) -> Narrowing? {
    if case .score(let name) = field { return narrowing(score: name, comparison, view: view) }
    guard let source = TextSource(field, view), comparison != .exists || source.exists == nil else { return nil }
    var selection = FilterSQL(view: view)
    selection.appendSelection(source, comparison)
    if let column = source.blockColumn {
      return .numbers(column: column, sql: selection.sql, parameters: selection.parameters)
    }
    return source.isFacet ? .rows(sql: selection.sql, parameters: selection.parameters) : nil
  }

  init(view: LedgerView) {
    self.view = view
  }

  /// False when the view has no such field.
  private mutating func append(_ field: Filter.Field, _ comparison: Filter.Comparison) -> Bool {
    if case .score(let name) = field {
      append(score: name, comparison)
    } else if let source = TextSource(field, view) {
      append(source, comparison)
    } else if let source = NumberSource(field, view) {
      append(source, comparison)
    } else {
      return false
    }
    return true
  }

  // MARK: For the comparisons

  mutating func append(_ text: String) { sql += text }

  mutating func append(parameter value: SQLValue) {
    sql += "?"
    parameters.append(value)
  }
}
