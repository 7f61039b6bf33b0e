/// The built-in table: providers, their models, and what these cost.
struct Catalogue: Sendable {
  struct Provider: Sendable {
    var id: [UInt8]
    /// Names of models that are this provider's, whoever says so.
    var models: NamePattern?
    /// Spellings of the provider's name.
    var names: NamePattern?
    /// Providers whose models this one sells too, by their ids.
    var resells: [[UInt8]]
    /// In the order in which they are asked.
    var offers: [Offer] = []
  }

  struct Offer: Sendable {
    var pattern: NamePattern
    var schedule: PriceSchedule
  }

  static let builtIn = Catalogue(parsing: builtInPrices)

  /// In the order in which they are asked.
  private(set) var providers: [Provider]

  init(providers: [Provider]) {
    self.providers = providers
  }

  /// What a model costs over time; nil when that isn't known. Both names are in lowercase, and the provider's is empty when
  /// nobody said it.
  func schedule(model: [UInt8], provider: [UInt8]) -> PriceSchedule? {
    if !provider.isEmpty {
      if ProviderNames.isSelfHosted(provider) { return nil }
      if let known = self.provider(named: provider) {
        let found = find(model, at: known) ?? Self.lastPart(of: model).flatMap { find($0, at: known) }
        if let found { return found }
      }
    }
    return byName(model, depth: 0)
  }

  /// Of a model whose provider is unknown, or doesn't know it: what looks like one provider's interface often leads to another.
  private func byName(_ model: [UInt8], depth: Int) -> PriceSchedule? {
    if let owner = providers.first(where: { $0.models?.matches(model) ?? false }), let found = find(model, at: owner) {
      return found
    }
    // A router's spelling: provider/model, with another router in front at times.
    if let slash = model.firstIndex(of: UInt8(ascii: "/")), depth < 4 {
      let rest = Array(model[(slash + 1)...])
      let prefix = Array(model[..<slash])
      if ProviderNames.isSelfHosted(prefix) { return nil }
      if let provider = provider(named: prefix), let found = find(rest, at: provider) { return found }
      return byName(rest, depth: depth + 1)
    }
    if let bedrock = ProviderNames.bedrock(model) {
      if let aws = self.provider(named: ProviderNames.aws), let found = find(model, at: aws) { return found }
      return provider(named: bedrock.vendor).flatMap { find(bedrock.model, at: $0) }
    }
    for id in ProviderNames.unmistakable {
      if let found = providers.first(where: { $0.id == id }).flatMap({ find(model, at: $0) }) { return found }
    }
    return nil
  }

  /// The provider that goes by a name.
  private func provider(named name: [UInt8]) -> Provider? {
    let name = ProviderNames.id(for: name)
    return providers.first { $0.id == name } ?? providers.first { $0.names?.matches(name) ?? false }
  }

  private func find(_ model: [UInt8], at provider: Provider) -> PriceSchedule? {
    if let found = offer(of: model, at: provider) { return found.schedule }
    // Routers write a date without dashes.
    let dashed = Self.dashingDate(in: model)
    return dashed == model ? nil : offer(of: dashed, at: provider)?.schedule
  }

  private func offer(of model: [UInt8], at provider: Provider) -> Offer? {
    if let own = provider.offers.first(where: { $0.pattern.matches(model) }) { return own }
    for id in provider.resells {
      guard let other = providers.first(where: { $0.id == id }) else { continue }
      if let found = other.offers.first(where: { $0.pattern.matches(model) }) { return found }
    }
    return nil
  }

  private static func lastPart(of model: [UInt8]) -> [UInt8]? {
    model.lastIndex(of: UInt8(ascii: "/")).map { Array(model[($0 + 1)...]) }
  }

  /// `-20251211` becomes `-2025-12-11` where the name or one of its parts ends with it.
  private static func dashingDate(in model: [UInt8]) -> [UInt8] {
    let dash = UInt8(ascii: "-")
    var result: [UInt8] = []
    var place = 0
    while place < model.count {
      let digits = model[place...].dropFirst().prefix(8)
      let next = place + 9
      if model[place] == dash, digits.count == 8, digits.allSatisfy({ 48...57 ~= $0 }),
        next == model.count || model[next] == dash || model[next] == UInt8(ascii: ":"), isDate(Array(digits))
      {
        result += [dash] + digits.prefix(4) + [dash] + digits.dropFirst(4).prefix(2) + [dash] + digits.suffix(2)
        place = next
      } else {
        result.append(model[place])
        place += 1
      }
    }
    return result
  }

  /// Whether eight digits are a day of this century.
  private static func isDate(_ digits: [UInt8]) -> Bool {
    let number = digits.reduce(0) { $0 * 10 + Int($1 - 48) }
    let (year, month, day) = (number / 10_000, number / 100 % 100, number % 100)
    guard 2000...2099 ~= year, 1...12 ~= month else { return false }
    let leap = year % 4 == 0
    let days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    return 1...days[month - 1] ~= day
  }
}
