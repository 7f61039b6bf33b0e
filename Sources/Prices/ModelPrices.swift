/// What a model's tokens cost at one time. Prices are trillionths of a US dollar a token, which is millionths of a dollar
/// a million tokens: each published price is a whole number of them.
struct ModelPrices: Sendable, Equatable {
  /// A price that depends on how many tokens went in: the last step that they exceed holds for all tokens of the call.
  struct Price: Sendable, Equatable {
    var base: Int64
    /// In ascending order.
    var steps: [Step] = []

    struct Step: Sendable, Equatable {
      var above: Int64
      var price: Int64
    }

    func callAsFunction(input: Int64) -> Int64 {
      if steps.isEmpty { return base }
      return steps.last { input > $0.above }?.price ?? base
    }
  }

  var input: Price?
  var output: Price?
  /// Where there is none, what was read from a cache costs as any input does; likewise for the next.
  var cacheRead: Price?
  var cacheWrite: Price?
  /// Where there is none, reasoning costs as any output does.
  var reasoning: Price?
  /// For each call, beside its tokens.
  var call: Int64 = 0

  /// What holds for a call that so many tokens went into.
  func prices(input tokens: Int64) -> CallPrices {
    let ofInput = input?(input: tokens) ?? 0
    let ofOutput = output?(input: tokens) ?? 0
    return CallPrices(
      input: ofInput, output: ofOutput, cacheRead: cacheRead?(input: tokens) ?? ofInput,
      cacheWrite: cacheWrite?(input: tokens) ?? ofInput, reasoning: reasoning?(input: tokens) ?? ofOutput, call: call)
  }

  func cost(of usage: PricedUsage) -> Int64 {
    prices(input: max(0, usage.lengthOfCall)).cost(of: usage)
  }

  /// Calls that no more tokens go into than that all cost the same by the token.
  var mostUsualInput: Int64 {
    [input, output, cacheRead, cacheWrite, reasoning].flatMap { $0?.steps ?? [] }.map(\.above).min() ?? .max
  }
}

/// What the tokens of one call cost each, and the call beside them.
struct CallPrices: Sendable, Equatable {
  var input: Int64
  var output: Int64
  var cacheRead: Int64
  var cacheWrite: Int64
  var reasoning: Int64
  var call: Int64

  /// What a call costs, in billionths of a US dollar, rounded once, half a billionth up. What is more than an `Int64` holds
  /// costs as much as one holds.
  func cost(of usage: PricedUsage) -> Int64 {
    // Nearly all calls fit into 64 bits, and are worked out in a fraction of the time.
    let tokens = usage.input | usage.cacheRead | usage.cacheWrite | usage.output | usage.reasoning
    let prices = input | output | cacheRead | cacheWrite | reasoning | call
    if 0..<1 << 31 ~= tokens, 0..<1 << 29 ~= prices { return cost(of: usage, in: Int64.self) }
    return Int64(clamping: cost(of: usage, in: Int128.self))
  }

  @inline(__always)
  private func cost<Number: FixedWidthInteger>(of usage: PricedUsage, in _: Number.Type) -> Number {
    let all = Number(max(0, usage.input))
    let (read, written) = (Number(max(0, usage.cacheRead)), Number(max(0, usage.cacheWrite)))
    let thought = Number(max(0, usage.reasoning))
    var cost = Number(call)
    func add(_ tokens: Number, _ price: Int64) {
      if tokens > 0 { cost += tokens * Number(price) }
    }
    add(all - read - written, input)
    add(read, cacheRead)
    add(written, cacheWrite)
    add(Number(max(0, usage.output)) - thought, output)
    add(thought, reasoning)
    return (cost + 500) / 1000
  }
}

/// What a model costs over time.
struct PriceSchedule: Sendable, Equatable {
  struct Period: Sendable, Equatable {
    var condition: Condition
    /// Nil where the model isn't paid for by the token.
    var prices: ModelPrices?
  }

  enum Condition: Sendable, Equatable {
    case always
    /// From a day on, in UTC, by its number since the Unix epoch.
    case from(day: Int64)
    /// Between two times of each day, in seconds since midnight in UTC; over midnight when the end comes first.
    case daily(start: Int64, end: Int64)

    /// Whether it holds at a time in seconds since the Unix epoch.
    func holds(at time: Int64) -> Bool {
      switch self {
      case .always: return true
      case .from(let day): return time / 86_400 >= day
      case .daily(let start, let end):
        let time = time % 86_400
        return end < start ? time >= start || time < end : start <= time && time < end
      }
    }
  }

  /// Later ones win over earlier ones; the first holds when none does.
  var periods: [Period]

  /// What holds at a time in nanoseconds since the Unix epoch.
  func prices(at time: UInt64) -> ModelPrices? {
    if periods.count == 1 { return periods[0].prices }
    let seconds = Int64(time / 1_000_000_000)
    let period = periods.last { $0.condition.holds(at: seconds) } ?? periods.first
    return period?.prices
  }

  /// What always holds for calls that no more tokens go into than that.
  struct Usual {
    var prices: CallPrices
    var mostInput: Int64
  }

  /// Nil where prices depend on the time, or even the smallest call costs more than usual.
  var usual: Usual? {
    guard periods.count == 1, let prices = periods[0].prices, prices.mostUsualInput >= 0 else { return nil }
    return Usual(prices: prices.prices(input: 0), mostInput: prices.mostUsualInput)
  }
}
