import Filters

/// Filters that are likely to say something about `Specimen`s.
struct RandomFilter {
  var fields: [Filter.Field]
  /// Trace ids that there are.
  var traces: [String] = []
  /// Whether all numbers are such as can be written.
  var isWritable = false

  static let texts: [Filter.Field] = [
    .endUser, .session, .workflow, .name, .model, .tag, .trace, .metadata("plan"), .metadata("seats"),
    .metadata("company.plan"), .metadata("company"), .metadata("roles"), .metadata("roles.plan"), .metadata("x"),
    .metadata("company.address.city"), .metadata("a b"), .metadata("is"),
  ]
  static let spanFields = texts + [.error, .cost, .tokens, .inputTokens, .outputTokens, .latency]

  private static let values =
    Specimen.texts + Specimen.metadata.flatMap { $0.values.map(\.value) } + [
      "", "\u{d7ff}", "a\u{d7ff}", "pr", "o", "0", "1", "a\u{301}", "\u{300}",
    ]

  func condition(depth: Int, using random: inout some RandomNumberGenerator) -> Filter.Condition {
    switch depth > 0 ? Int.random(in: 0..<6, using: &random) : 5 {
    case 0, 1: .and(conditions(depth: depth - 1, using: &random))
    case 2, 3: .or(conditions(depth: depth - 1, using: &random))
    case 4: .not(condition(depth: depth - 1, using: &random))
    default: comparison(using: &random)
    }
  }

  private func conditions(depth: Int, using random: inout some RandomNumberGenerator) -> [Filter.Condition] {
    (0..<Int.random(in: 2...3, using: &random)).map { _ in condition(depth: depth, using: &random) }
  }

  private func comparison(using random: inout some RandomNumberGenerator) -> Filter.Condition {
    let field = fields.randomElement(using: &random)!
    let relation = Filter.NumberOperator.allCases.randomElement(using: &random)!
    let far = isWritable ? 40 : 80
    let isExists = Int.random(in: 0..<8, using: &random) == 0
    switch field {
    case .error: return .comparison(field, .exists)
    case _ where isExists: return .comparison(field, .exists)
    case .latency: return .comparison(field, .duration(relation, .random(in: 0...6, using: &random)))
    case .firstEvent, .lastEvent:
      return .comparison(field, .time(relation, Specimen.epoch + .random(in: 0...6, using: &random)))
    case .cost:
      // Some are billionths, as costs are, and some far beyond.
      let nano = Int128.random(in: -1...12, using: &random)
      let number = [nano, nano, nano, nano << far, -(nano << far)].randomElement(using: &random)!
      return .comparison(field, .number(relation, .init(billionths: number)))
    case .tokens, .inputTokens, .outputTokens, .traces, .sessions, .observations, .errors:
      let half = Int128.random(in: -3...16, using: &random) * 500_000_000
      let number = [half, half, half + 1, half - 1, half << far, -(half << far)].randomElement(using: &random)!
      return .comparison(field, .number(relation, .init(billionths: number)))
    default: return .comparison(field, text(of: field, using: &random))
    }
  }

  private func text(of field: Filter.Field, using random: inout some RandomNumberGenerator) -> Filter.Comparison {
    func value() -> String {
      guard field == .trace, let trace = traces.randomElement(using: &random), Int.random(in: 0..<4, using: &random) > 0
      else {
        return Self.values.randomElement(using: &random)!
      }
      switch Int.random(in: 0..<4, using: &random) {
      case 0: return String(trace.prefix(.random(in: 0..<32, using: &random)))
      case 1: return String(trace.suffix(.random(in: 0..<32, using: &random)))
      case 2: return trace.uppercased()
      default: return trace
      }
    }
    if Int.random(in: 0..<4, using: &random) == 0 {
      return .anyOf((0..<Int.random(in: 1...4, using: &random)).map { _ in value() })
    }
    return .text(Filter.TextOperator.allCases.randomElement(using: &random)!, value())
  }
}

extension Filter.Condition {
  /// As somebody may write it.
  func text(using random: inout some RandomNumberGenerator) -> String {
    func word(_ word: String) -> String { Bool.random(using: &random) ? word : word.uppercased() }
    func quoted(_ text: String) -> String {
      let quote: Character = Bool.random(using: &random) ? "\"" : "'"
      var result = String(quote)
      for scalar in text.unicodeScalars {
        if scalar == "\\" || Character(scalar) == quote { result.unicodeScalars.append("\\") }
        result.unicodeScalars.append(scalar)
      }
      result.unicodeScalars.append(contentsOf: String(quote).unicodeScalars)
      return result
    }
    func nested(_ condition: Filter.Condition) -> String {
      if case .comparison = condition { return condition.text(using: &random) }
      return "(\(condition.text(using: &random)))"
    }
    func field(_ field: Filter.Field) -> String {
      if case .metadata(let path) = field { return "metadata:" + quoted(path) }
      return word(field.name)
    }
    func billionths(_ number: Int128) -> String {
      let digits = String(number.magnitude)
      let padded = String(repeating: "0", count: max(0, 10 - digits.count)) + digits
      return (number < 0 ? "-" : "") + padded.dropLast(9) + "." + padded.suffix(9)
    }
    switch self {
    case .and(let conditions): return conditions.map(nested).joined(separator: " \(word("and")) ")
    case .or(let conditions): return conditions.map(nested).joined(separator: " \(word("or")) ")
    case .not(let condition): return "\(word("not")) " + nested(condition)
    case .comparison(.error, _): return word("error")
    case .comparison(let asked, .exists): return "\(field(asked)) \(word("exists"))"
    case .comparison(let asked, .text(let relation, let value)):
      return "\(field(asked)) \(word(relation.rawValue)) \(quoted(value))"
    case .comparison(let asked, .anyOf(let values)):
      return "\(field(asked)) \(word("is any of")) (\(values.map(quoted).joined(separator: ",")))"
    case .comparison(let asked, .number(let relation, let number)):
      return "\(field(asked))\(relation.rawValue)\(billionths(number.billionths))"
    case .comparison(let asked, .duration(let relation, let value)):
      return "\(field(asked)) \(relation.rawValue) \(value)ns"
    case .comparison(let asked, .time(let relation, let value)):
      return "\(field(asked)) \(relation.rawValue) 2023-11-14T22:13:20.00000000\(value - Specimen.epoch)Z"
    }
  }
}
