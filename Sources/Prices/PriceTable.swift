/// What models cost: the operator's rules, then the built-in table.
package struct PriceTable: Sendable {
  /// The table that Heirloom brings along, alone.
  package static let builtIn = PriceTable(builtIn: true, overrides: [])

  /// A longer name of a model or provider is none.
  static let longestName = 512

  private let exact: [[UInt8]: Int]
  /// The longest first.
  private let prefixes: [(name: [UInt8], schedule: Int)]
  private let expressions: [(expression: RegularExpression, schedule: Int)]
  private let catalogue: Catalogue?
  /// Of the rules, in their order.
  private let ruled: [PriceSchedule]

  /// - Parameters:
  ///   - builtIn: Whether models that no rule is for are looked up in the table that Heirloom brings along.
  ///   - overrides: Exact names are asked first, then prefixes, the longest first, then expressions in their order. Of two
  ///     rules for the same name the later one holds.
  package init(builtIn: Bool = true, overrides: [PriceRule]) {
    var exact: [[UInt8]: Int] = [:]
    var prefixes: [[UInt8]: Int] = [:]
    var expressions: [(RegularExpression, Int)] = []
    for (place, rule) in overrides.enumerated() {
      switch rule.match {
      case .exact: exact[rule.name] = place
      case .prefix: prefixes[rule.name] = place
      case .regex: if let expression = rule.expression { expressions.append((expression, place)) }
      }
    }
    self.exact = exact
    self.prefixes = prefixes.map { ($0.key, $0.value) }.sorted { $0.name.count > $1.name.count }
    self.expressions = expressions
    ruled = overrides.map(\.schedule)
    catalogue = builtIn ? Catalogue.builtIn : nil
  }

  /// What a call costs at a time in nanoseconds since the Unix epoch, in billionths of a US dollar; nil when no price is known.
  /// The provider is whoever was asked for the model, in whatever spelling; without it the model's name decides.
  ///
  /// Looks the model up each time: where the same models come again and again, `PriceLookup` is faster.
  package func cost(model: String, provider: String?, at time: UInt64, _ usage: PricedUsage) -> Int64? {
    schedule(model: Array(model.utf8), provider: Array((provider ?? "").utf8))?.prices(at: time)?.cost(of: usage)
  }

  func schedule(model: [UInt8], provider: [UInt8]) -> PriceSchedule? {
    let model = Self.normal(model)
    guard !model.isEmpty, model.count <= Self.longestName, provider.count <= Self.longestName else { return nil }
    if let rule = rule(for: model) { return ruled[rule] }
    return catalogue?.schedule(model: model, provider: Self.normal(provider))
  }

  private func rule(for model: [UInt8]) -> Int? {
    exact[model]
      ?? prefixes.first { model.starts(with: $0.name) }?.schedule
      ?? expressions.first { $0.expression.matches(model) }?.schedule
  }

  /// In lowercase, as far as ASCII goes, and without blanks around it.
  static func normal(_ name: [UInt8]) -> [UInt8] {
    let blank = UInt8(ascii: " ")
    let trimmed = name.drop { $0 == blank }
    let end = trimmed.lastIndex { $0 != blank }.map { $0 + 1 } ?? trimmed.startIndex
    return trimmed[..<end].map { 65...90 ~= $0 ? $0 | 32 : $0 }
  }
}
