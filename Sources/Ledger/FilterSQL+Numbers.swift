import Filters

extension FilterSQL {
  /// An integer column, and what must be true besides for it to be known; one is NULL that is not known.
  struct NumberSource {
    let column: String
    var known: String?
    /// Billionths of what a filter counts in that one of the column is.
    var unit: Int128
    /// What the filter says as a whole, when no number is compared.
    var isFlag = false

    private static let billion: Int128 = 1_000_000_000

    init?(_ field: Filter.Field, _ view: LedgerView) {
      let row = view.alias
      let isTrace = view == .traces
      /// Sums of users and sessions are zeros when none of their traces told.
      func sum(_ column: String, unit: Int128 = Self.billion) -> NumberSource {
        NumberSource(column: "\(row).\(column)", known: isTrace ? nil : "\(row).\(column)_known > 0", unit: unit)
      }
      switch (field, view) {
      case (.firstEvent, .scores), (.lastEvent, .scores): self.init(column: "sc.time")
      case (_, .scores): return nil
      case (.error, _): self.init(column: "\(row).errors", isFlag: true)
      case (.cost, _): self = sum("cost", unit: 1)
      case (.tokens, _): self = sum("total")
      case (.inputTokens, _): self = sum("input")
      case (.outputTokens, _): self = sum("output")
      case (.observations, _): self.init(column: "\(row).observations")
      case (.errors, _): self.init(column: "\(row).errors")
      case (.latency, _): self.init(column: isTrace ? "t.latency" : "\(row).p95")
      case (.traces, .users), (.traces, .sessions): self.init(column: "\(row).traces")
      case (.sessions, .users): self.init(column: "u.sessions")
      case (.firstEvent, _): self.init(column: isTrace ? "t.start" : "\(row).first_event")
      case (.lastEvent, _): self.init(column: isTrace ? "t.start" : "\(row).last_event")
      default: return nil
      }
    }

    private init(column: String, known: String? = nil, unit: Int128 = Self.billion, isFlag: Bool = false) {
      self.column = column
      self.known = known
      self.unit = unit
      self.isFlag = isFlag
    }
  }

  mutating func append(_ source: NumberSource, _ comparison: Filter.Comparison) {
    switch comparison {
    case .duration(let relation, let value), .time(let relation, let value):
      append(source.column, relation, Int128(value), of: 1)
    case .number(let relation, let number):
      append(source.column, relation, number.billionths, of: source.unit)
    default: append(source.isFlag ? "\(source.column) > 0" : "\(source.column) IS NOT NULL")
    }
    if let known = source.known { append(" AND \(known)") }
  }

  /// Compares an integer with a fraction, by way of the integer next to it.
  private mutating func append(
    _ column: String, _ relation: Filter.NumberOperator, _ numerator: Int128, of denominator: Int128
  ) {
    let (quotient, remainder) = numerator.quotientAndRemainder(dividingBy: denominator)
    let floor = remainder < 0 ? quotient - 1 : quotient
    let isWhole = remainder == 0
    guard let bound = Int64(exactly: floor) else {
      // Beyond every integer of the column, which is less than all of that, or greater.
      let holds =
        switch relation {
        case .equal: false
        case .less, .lessOrEqual: floor > 0
        case .greater, .greaterOrEqual: floor < 0
        }
      append(holds ? "\(column) IS NOT NULL" : "FALSE")
      return
    }
    let nearest: Filter.NumberOperator
    switch relation {
    case .equal where !isWhole:
      append("FALSE")
      return
    case .less where !isWhole: nearest = .lessOrEqual
    case .greaterOrEqual where !isWhole: nearest = .greater
    default: nearest = relation
    }
    append("\(column) \(nearest.rawValue) ")
    append(parameter: .int(bound))
  }
}
