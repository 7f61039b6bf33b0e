/// Reads the lines that `scripts/generate-prices` writes.
///
/// A line is a provider, or a model of the provider above it. Fields are divided by tabs.
///
/// - `provider`, id, pattern of its models, pattern of its names, ids of providers whose models it sells too, by commas;
///   `-` where there is none.
/// - pattern, then the model's periods.
///
/// A pattern is words divided by blanks: `=` equals, `^` starts with, `$` ends with, `~` contains, `/` matches the expression
/// behind it; `|3` and `&3`: any and all of the three that follow, `!`: not the one that follows.
///
/// A period is words divided by blanks: perhaps `@2025-08-30` (from that day on) or `@00:30-16:30` (daily), then `in`, `out`,
/// `read`, `write`, `think`, `call`, each with `=` and a price (dollars for a million tokens; for `call` dollars) and steps,
/// `,200000:6`. `free` costs nothing, `-` is not paid for by the token.
extension Catalogue {
  typealias Text = Substring.UTF8View

  /// Traps where a line isn't what it should be: the text is part of the program.
  init(parsing text: StaticString) {
    let text = Substring(text.description).utf8
    var providers: [Provider] = []
    for line in text.split(separator: UInt8(ascii: "\n")) {
      let fields = line.split(separator: UInt8(ascii: "\t"))
      if fields[0].elementsEqual("provider".utf8) {
        providers.append(
          Provider(
            id: Array(fields[1]), models: Self.optionalPattern(fields[2]), names: Self.optionalPattern(fields[3]),
            resells: Self.isNone(fields[4]) ? [] : fields[4].split(separator: UInt8(ascii: ",")).map(Array.init)))
      } else {
        let schedule = PriceSchedule(periods: fields.dropFirst().map(Self.period))
        providers[providers.count - 1].offers.append(Offer(pattern: Self.pattern(fields[0]), schedule: schedule))
      }
    }
    self.init(providers: providers)
  }

  private static func isNone(_ field: Text) -> Bool { field.elementsEqual("-".utf8) }

  private static func optionalPattern(_ field: Text) -> NamePattern? {
    isNone(field) ? nil : pattern(field)
  }

  private static func pattern(_ field: Text) -> NamePattern {
    var words = field.split(separator: UInt8(ascii: " "))[...]
    return pattern(&words)
  }

  private static func pattern(_ words: inout ArraySlice<Text>) -> NamePattern {
    let word = words.removeFirst()
    let rest = word.dropFirst()
    func several() -> [NamePattern] { (0..<number(rest, decimals: 0)).map { _ in pattern(&words) } }
    switch word.first {
    case UInt8(ascii: "="): return .equals(Array(rest))
    case UInt8(ascii: "^"): return .startsWith(Array(rest))
    case UInt8(ascii: "$"): return .endsWith(Array(rest))
    case UInt8(ascii: "~"): return .contains(Array(rest))
    case UInt8(ascii: "|"): return .any(several())
    case UInt8(ascii: "&"): return .all(several())
    case UInt8(ascii: "!"): return .not(pattern(&words))
    default:
      guard let expression = try? RegularExpression(String(Substring(rest))) else {
        preconditionFailure("The built-in prices hold an expression that is none: \(Substring(rest))")
      }
      return .expression(expression)
    }
  }

  private static func period(_ field: Text) -> PriceSchedule.Period {
    var period = PriceSchedule.Period(condition: .always, prices: isNone(field) ? nil : ModelPrices())
    for word in field.split(separator: UInt8(ascii: " ")) {
      if word.first == UInt8(ascii: "@") {
        period.condition = condition(word.dropFirst())
      } else if isNone(word) {
        period.prices = nil
      } else if let equals = word.firstIndex(of: UInt8(ascii: "=")) {
        set(word[..<equals], to: price(word[word.index(after: equals)...]), in: &period)
      }
    }
    return period
  }

  private static func set(_ key: Text, to price: ModelPrices.Price, in period: inout PriceSchedule.Period) {
    switch String(Substring(key)) {
    case "in": period.prices?.input = price
    case "out": period.prices?.output = price
    case "read": period.prices?.cacheRead = price
    case "write": period.prices?.cacheWrite = price
    case "think": period.prices?.reasoning = price
    case "call": period.prices?.call = price.base * 1_000_000
    default: preconditionFailure("The built-in prices hold an unknown key: \(Substring(key))")
    }
  }

  private static func condition(_ text: Text) -> PriceSchedule.Condition {
    let numbers = text.split { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ":") }.map { number($0, decimals: 0) }
    return numbers.count == 3
      ? .from(day: day(year: numbers[0], month: numbers[1], day: numbers[2]))
      : .daily(start: numbers[0] * 3600 + numbers[1] * 60, end: numbers[2] * 3600 + numbers[3] * 60)
  }

  private static func price(_ text: Text) -> ModelPrices.Price {
    let parts = text.split(separator: UInt8(ascii: ","))
    let steps = parts.dropFirst().map { part in
      let step = part.split(separator: UInt8(ascii: ":"))
      return ModelPrices.Price.Step(above: number(step[0], decimals: 0), price: number(step[1], decimals: 6))
    }
    return ModelPrices.Price(base: number(parts[0], decimals: 6), steps: steps)
  }

  /// A decimal number times ten to the power of `decimals`, which it has at most.
  private static func number(_ text: Text, decimals: Int) -> Int64 {
    var result: Int64 = 0
    var left: Int?
    for byte in text {
      if byte == UInt8(ascii: ".") {
        left = decimals
        continue
      }
      result = result * 10 + Int64(byte - UInt8(ascii: "0"))
      if let some = left { left = some - 1 }
    }
    for _ in 0..<(left ?? decimals) { result *= 10 }
    return result
  }

  /// The number of a day since the Unix epoch. Years begin in March here, so that a leap day is the last of its year.
  static func day(year: Int64, month: Int64, day: Int64) -> Int64 {
    let year = month <= 2 ? year - 1 : year
    let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
    return year * 365 + year / 4 - year / 100 + year / 400 + dayOfYear - 719_468
  }
}
