import Filters
import Foundation
import OTLP

/// What a filter asks about, as plain lists: of a span, a trace, a session or a user.
struct NaiveRow {
  var texts: [Filter.Field: [String]] = [:]
  var metadata: [(path: String, value: String)] = []
  /// In what a filter counts in: dollars, tokens, nanoseconds.
  var numbers: [Filter.Field: Decimal] = [:]
  var isError = false

  /// Whether a condition holds, as docs/filters.md has it.
  func satisfies(_ condition: Filter.Condition) -> Bool {
    switch condition {
    case .and(let conditions): conditions.allSatisfy(satisfies)
    case .or(let conditions): conditions.contains(where: satisfies)
    case .not(let condition): !satisfies(condition)
    case .comparison(.error, _): isError
    case .comparison(.metadata(let path), let comparison):
      metadata.contains { Array($0.path.utf8) == Array(path.utf8) && Self.holds(comparison, of: $0.value) }
    case .comparison(let field, let comparison):
      if let values = texts[field] {
        values.contains { Self.holds(comparison, of: $0) }
      } else if let number = numbers[field] {
        Self.holds(comparison, of: number)
      } else {
        false
      }
    }
  }

  private static func holds(_ comparison: Filter.Comparison, of text: String) -> Bool {
    let bytes = Array(text.utf8)
    func equals(_ value: String) -> Bool { Array(value.utf8) == bytes }
    switch comparison {
    case .exists: return true
    case .anyOf(let values): return values.contains(where: equals)
    case .text(.is, let value): return equals(value)
    case .text(.startsWith, let value): return bytes.starts(with: Array(value.utf8))
    case .text(.endsWith, let value): return bytes.reversed().starts(with: Array(value.utf8).reversed())
    case .text(.contains, let value):
      return (0...bytes.count).contains { bytes[$0...].starts(with: Array(value.utf8)) }
    default: fatalError("no comparison with text")
    }
  }

  private static func holds(_ comparison: Filter.Comparison, of number: Decimal) -> Bool {
    let (relation, other): (Filter.NumberOperator, Decimal)
    switch comparison {
    case .exists: return true
    case .number(let given, let value):
      (relation, other) = (given, Decimal(string: "\(value.billionths)")! / 1_000_000_000)
    case .duration(let given, let value), .time(let given, let value): (relation, other) = (given, Decimal(value))
    default: fatalError("no comparison with a number")
    }
    switch relation {
    case .equal: return number == other
    case .less: return number < other
    case .lessOrEqual: return number <= other
    case .greater: return number > other
    case .greaterOrEqual: return number >= other
    }
  }
}

extension NaiveRow {
  /// A span, or the trace that consists of it.
  init(_ specimen: Specimen) {
    texts[.endUser] = specimen.endUser.map { [$0] }
    texts[.session] = specimen.session.map { [$0] }
    texts[.name] = specimen.name.map { [$0] }
    texts[.workflow] = texts[.name]
    texts[.model] = specimen.model.map { [$0] }
    texts[.tag] = specimen.tags
    texts[.trace] = [specimen.trace.hexadecimal]
    metadata = specimen.metadata?.values ?? []
    numbers[.latency] = Decimal(specimen.latency)
    numbers[.tokens] = specimen.tokens.map { Decimal($0) }
    numbers[.inputTokens] = specimen.inputTokens.map { Decimal($0) }
    numbers[.outputTokens] = specimen.outputTokens.map { Decimal($0) }
    numbers[.cost] = specimen.cost.map { Decimal($0) / 1_000_000_000 }
    isError = specimen.isError
  }
}
