import Facts
import OTLP

/// A row of `traces`.
struct TraceRow: Equatable {
  var id: Int64
  var trace: TraceID
  /// Whose it is, and whom its own spans name.
  var user: Int64?
  var ownUser: Int64?
  var session: Int64?
  var name: Int64?
  var metadata: Int64?
  var labels: Int64?
  /// Nanoseconds since the Unix epoch.
  var start: Int64 = 0
  /// Nanoseconds; start and latency add up to a time.
  var latency: Int64 = 0
  var figures = Figures()
  var unpriced: [UInt8] = []
  var omitted: Int64 = 0
  var omittedErrors: Int64 = 0
  /// Nanoseconds since the Unix epoch.
  var updated: Int64 = 0

  var end: Int64 { start + latency }
  /// Which of two traces is the later one: by their start, then by which of them came later.
  var moment: Moment { Moment(start: start, trace: id) }

  init(id: Int64, trace: TraceID) {
    self.id = id
    self.trace = trace
  }

  /// Takes over what the spans say in numbers. A time beyond 2262 is the last moment before.
  mutating func take(_ facts: borrowing TraceFacts) {
    start = Int64(clamping: facts.start)
    latency = Int64(clamping: facts.end) - start
    func bounded(_ value: Int64?, _ limit: Int64 = Figures.limit) -> Int64? {
      value.map { min(max($0, -limit), limit) }
    }
    figures.observations = Int64(facts.observations) + omitted
    figures.errors = Int64(facts.errors) + omittedErrors
    figures.tokens.input = bounded(facts.tokens.input)
    figures.tokens.output = bounded(facts.tokens.output)
    figures.tokens.total = bounded(facts.tokens.total)
    figures.tokens.cacheRead = bounded(facts.tokens.cacheRead)
    figures.tokens.cacheWrite = bounded(facts.tokens.cacheWrite)
    figures.tokens.reasoning = bounded(facts.tokens.reasoning)
    figures.cost = bounded(facts.cost, Figures.costLimit)
  }

  // MARK: In SQL

  /// Room for what is still to come while the root has not: a row that grows in a page that is full has SQLite rearrange
  /// several pages.
  private static let padding = [UInt8](repeating: 0, count: 32)

  /// In the order in which they are bound and read.
  static let columns = """
    id, trace, user, own_user, session, name, metadata, labels, start, latency, observations, errors, \
    input, output, total, cache_read, cache_write, reasoning, cost, unpriced, omitted, omitted_errors, updated
    """

  static let columnCount = 23

  /// Binds all columns, to the places of one of the rows that a statement has.
  func bind(to statement: Statement, row: Int = 0) {
    let first = row * Self.columnCount
    statement.bind(first + 1, id)
    withUnsafeBytes(of: (trace.first, trace.second)) { statement.bind(first + 2, $0) }
    statement.bind(first + 3, user)
    statement.bind(first + 4, ownUser)
    statement.bind(first + 5, session)
    statement.bind(first + 6, name)
    statement.bind(first + 7, metadata)
    statement.bind(first + 8, labels)
    statement.bind(first + 9, start)
    statement.bind(first + 10, latency)
    statement.bind(first + 11, figures.observations)
    statement.bind(first + 12, figures.errors)
    statement.bind(first + 13, figures.tokens.input)
    statement.bind(first + 14, figures.tokens.output)
    statement.bind(first + 15, figures.tokens.total)
    statement.bind(first + 16, figures.tokens.cacheRead)
    statement.bind(first + 17, figures.tokens.cacheWrite)
    statement.bind(first + 18, figures.tokens.reasoning)
    statement.bind(first + 19, figures.cost)
    if ownUser == nil {
      statement.bind(first + 20, unpriced + Self.padding)
    } else if unpriced.isEmpty {
      statement.bind(first + 20, Int64?.none)
    } else {
      statement.bind(first + 20, unpriced)
    }
    statement.bind(first + 21, omitted)
    statement.bind(first + 22, omittedErrors)
    statement.bind(first + 23, updated)
  }

  init(_ row: Statement) {
    id = row.int(0)
    trace = row.traceID(1) ?? TraceID(first: 0, second: 0)
    user = row.optionalInt(2)
    ownUser = row.optionalInt(3)
    session = row.optionalInt(4)
    name = row.optionalInt(5)
    metadata = row.optionalInt(6)
    labels = row.optionalInt(7)
    start = row.int(8)
    latency = row.int(9)
    figures.observations = row.int(10)
    figures.errors = row.int(11)
    figures.tokens.input = row.optionalInt(12)
    figures.tokens.output = row.optionalInt(13)
    figures.tokens.total = row.optionalInt(14)
    figures.tokens.cacheRead = row.optionalInt(15)
    figures.tokens.cacheWrite = row.optionalInt(16)
    figures.tokens.reasoning = row.optionalInt(17)
    figures.cost = row.optionalInt(18)
    unpriced = row.withBytes(19) { UnpricedCalls.withoutPadding($0) }
    omitted = row.int(20)
    omittedErrors = row.int(21)
    updated = row.int(22)
  }
}

/// A trace's place in the order of an owner's traces.
struct Moment: Comparable {
  var start: Int64
  var trace: Int64

  static func < (one: Moment, other: Moment) -> Bool { (one.start, one.trace) < (other.start, other.trace) }
}
