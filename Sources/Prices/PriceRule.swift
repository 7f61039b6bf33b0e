/// A model's prices as the operator says them. It is asked before the built-in table.
package struct PriceRule: Sendable {
  /// Which models it is for, by the name that their spans have; upper and lower case are the same.
  package enum Match: Sendable, Equatable {
    case exact(String)
    case prefix(String)
    /// A POSIX extended regular expression, which matches anywhere in the name unless it is anchored.
    case regex(String)
  }

  package let match: Match
  let name: [UInt8]
  let expression: RegularExpression?
  let schedule: PriceSchedule

  /// Prices are in US dollars for a million tokens. What is read from or written to a cache costs as other input where
  /// nothing else is said, and reasoning as other output.
  ///
  /// - Throws: `PriceRuleError` for an empty name, a bad expression, or a price that is none.
  package init(
    _ match: Match, input: Double, output: Double, cacheRead: Double? = nil, cacheWrite: Double? = nil,
    reasoning: Double? = nil
  ) throws(PriceRuleError) {
    self.match = match
    switch match {
    case .exact(let text), .prefix(let text):
      guard text.contains(where: { $0 != " " }) else { throw PriceRuleError("the name of a model is empty") }
      name = PriceTable.normal(Array(text.utf8))
      expression = nil
    case .regex(let text):
      guard !text.isEmpty else { throw PriceRuleError("the regular expression is empty") }
      name = []
      expression = try RegularExpression(text)
    }
    var prices = ModelPrices()
    prices.input = try Self.price("input", input)
    prices.output = try Self.price("output", output)
    prices.cacheRead = try cacheRead.map { price throws(PriceRuleError) in try Self.price("cache_read", price) }
    prices.cacheWrite = try cacheWrite.map { price throws(PriceRuleError) in try Self.price("cache_write", price) }
    prices.reasoning = try reasoning.map { price throws(PriceRuleError) in try Self.price("reasoning", price) }
    schedule = PriceSchedule(periods: [.init(condition: .always, prices: prices)])
  }

  /// The largest price that is taken, in US dollars for a million tokens.
  package static let highestPrice = 1_000_000.0

  private static func price(_ what: String, _ dollars: Double) throws(PriceRuleError) -> ModelPrices.Price {
    guard dollars >= 0, dollars <= highestPrice else {
      throw PriceRuleError("\(what): a price is from 0 to \(Int(highestPrice)) dollars for a million tokens")
    }
    return ModelPrices.Price(base: Int64((dollars * 1_000_000).rounded()))
  }
}

/// What is wrong with a price rule.
package struct PriceRuleError: Error, Equatable, CustomStringConvertible {
  package let description: String

  init(_ description: String) {
    self.description = description
  }
}
