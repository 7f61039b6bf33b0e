import Filters

extension FilterSQL {
  /// Scores of a name: of a score its own number or label; of whoever has several, the mean of the numbers, and any label.
  mutating func append(score name: String, _ comparison: Filter.Comparison) {
    guard let owner = ScoreOwner(view) else {
      append("sc.name = ")
      append(scoreNamed: name)
      appendScore(comparison, number: "sc.number", label: "sc.label")
      return
    }
    append("EXISTS (")
    appendScores(name, comparison, of: owner, selecting: "1")
    append(" AND m.owner = \(view.alias).id)")
  }

  /// Traces are found by their scores only where these are alone: see `Narrowing.split`.
  static func narrowing(score name: String, _ comparison: Filter.Comparison, view: LedgerView) -> Narrowing? {
    guard let owner = ScoreOwner(view) else { return nil }
    var selection = FilterSQL(view: view)
    selection.appendScores(name, comparison, of: owner, selecting: "m.owner")
    return .rows(sql: selection.sql, parameters: selection.parameters)
  }

  /// The statement that finds owners by what was kept of their scores.
  private mutating func appendScores(
    _ name: String, _ comparison: Filter.Comparison, of owner: ScoreOwner, selecting columns: String
  ) {
    let isText = comparison.isText
    append("SELECT \(columns) FROM \(isText ? "score_labels" : "score_sums") m WHERE m.owner_kind = \(owner.rawValue)")
    append(" AND m.name = ")
    append(scoreNamed: name)
    appendScore(comparison, number: "m.mean", label: "m.label")
  }

  private mutating func appendScore(
    _ comparison: Filter.Comparison, number: String, label: String
  ) {
    if case .number(let relation, let value) = comparison {
      append(" AND \(number) \(relation.rawValue) ")
      append(parameter: .real(value.double))
    } else if comparison.isText {
      append(" AND \(label) IN (SELECT id FROM score_names WHERE ")
      appendName("name", comparison)
      append(")")
    }
  }

  private mutating func append(scoreNamed name: String) {
    append("(SELECT id FROM score_names WHERE name = ")
    append(parameter: .text(name))
    append(")")
  }
}

extension Filter.Comparison {
  fileprivate var isText: Bool {
    switch self {
    case .text, .anyOf: true
    default: false
    }
  }
}

extension ScoreOwner {
  /// nil for scores themselves.
  init?(_ view: LedgerView) {
    switch view {
    case .users: self = .user
    case .sessions: self = .session
    case .traces: self = .trace
    case .scores: return nil
    }
  }
}
