import Facts

/// What a trace adds to the sums of whoever has it.
struct Figures: Equatable {
  var observations: Int64 = 0
  var errors: Int64 = 0
  var tokens = TokenCounts()
  var cost: Int64?

  /// More than any trace can have; what says that it has more has this much, so that sums stay within 64 bits.
  static let limit: Int64 = 1 << 40
  /// Likewise in billionths of a US dollar.
  static let costLimit: Int64 = 1 << 50
}

/// A sum over traces, and how many of these told.
struct Sum: Equatable {
  var value: Int64 = 0
  var known: Int64 = 0

  @inline(__always)
  mutating func add(_ amount: Int64?, _ sign: Int64) {
    guard let amount else { return }
    value &+= amount &* sign
    known &+= sign
  }

  mutating func add(_ other: Sum, _ sign: Int64) {
    value &+= other.value &* sign
    known &+= other.known &* sign
  }
}

/// Sums over the traces of a user, a session or a day.
struct Totals: Equatable {
  var traces: Int64 = 0
  var observations: Int64 = 0
  var errors: Int64 = 0
  var input = Sum()
  var output = Sum()
  var total = Sum()
  var cacheRead = Sum()
  var cacheWrite = Sum()
  var reasoning = Sum()
  var cost = Sum()

  /// Puts a trace on (`sign` 1) or takes it off (-1).
  mutating func add(_ figures: Figures, _ sign: Int64) {
    traces += sign
    observations &+= figures.observations &* sign
    errors &+= figures.errors &* sign
    input.add(figures.tokens.input, sign)
    output.add(figures.tokens.output, sign)
    total.add(figures.tokens.total, sign)
    cacheRead.add(figures.tokens.cacheRead, sign)
    cacheWrite.add(figures.tokens.cacheWrite, sign)
    reasoning.add(figures.tokens.reasoning, sign)
    cost.add(figures.cost, sign)
  }

  /// Puts the traces of others on (`sign` 1) or takes them off (-1).
  mutating func add(_ other: Totals, _ sign: Int64) {
    traces &+= other.traces &* sign
    observations &+= other.observations &* sign
    errors &+= other.errors &* sign
    input.add(other.input, sign)
    output.add(other.output, sign)
    total.add(other.total, sign)
    cacheRead.add(other.cacheRead, sign)
    cacheWrite.add(other.cacheWrite, sign)
    reasoning.add(other.reasoning, sign)
    cost.add(other.cost, sign)
  }

  // MARK: In SQL

  /// In the order in which they are bound and read.
  static let columns = [
    "traces", "observations", "errors", "input", "input_known", "output", "output_known", "total", "total_known",
    "cache_read", "cache_read_known", "cache_write", "cache_write_known", "reasoning", "reasoning_known", "cost",
    "cost_known",
  ]

  /// Binds all columns, the first at `place`.
  func bind(to statement: Statement, from place: Int) {
    statement.bind(place, traces)
    statement.bind(place + 1, observations)
    statement.bind(place + 2, errors)
    var place = place + 3
    func bind(_ sum: Sum) {
      statement.bind(place, sum.value)
      statement.bind(place + 1, sum.known)
      place += 2
    }
    bind(input)
    bind(output)
    bind(total)
    bind(cacheRead)
    bind(cacheWrite)
    bind(reasoning)
    bind(cost)
  }

  init() {}

  /// Reads all columns, the first at `column`.
  init(_ row: Statement, from column: Int) {
    traces = row.int(column)
    observations = row.int(column + 1)
    errors = row.int(column + 2)
    func sum(_ place: Int) -> Sum {
      Sum(value: row.int(column + 3 + 2 * place), known: row.int(column + 4 + 2 * place))
    }
    input = sum(0)
    output = sum(1)
    total = sum(2)
    cacheRead = sum(3)
    cacheWrite = sum(4)
    reasoning = sum(5)
    cost = sum(6)
  }
}
