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
      let splits = conditions.map { split($0, view: view) }
      let chosen = combinable(splits.map { $0?.narrowing }, view: view)
      var parts: [Narrowing] = []
      var rests: [Filter.Condition] = []
      for (place, condition) in conditions.enumerated() {
        if let (part, rest) = splits[place], chosen.contains(place) {
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
      let blocks = parts.count { $0.narrowing.isOfBlocks }
      if view == .traces, blocks > 0, blocks < parts.count { return nil }
      return (.any(parts.map(\.narrowing)), parts.allSatisfy { $0.rest == nil } ? nil : condition)
    case .not: return nil
    }
  }

  /// Which parts of a conjunction narrow together. Traces are found by blocks, a few at a time, or else by one statement: how many
  /// rows that has is not known beforehand, and there may be millions.
  private static func combinable(_ parts: [Narrowing?], view: LedgerView) -> [Int] {
    let there = parts.indices.filter { parts[$0] != nil }
    guard view == .traces else { return there }
    let blocks = there.filter { parts[$0]?.isOfBlocks == true }
    return blocks.isEmpty ? Array(there.prefix(1)) : blocks
  }

  /// Whether blocks have all that it asks for.
  var isOfBlocks: Bool {
    switch self {
    case .numbers: true
    case .rows: false
    case .all(let parts), .any(let parts): parts.allSatisfy(\.isOfBlocks)
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
