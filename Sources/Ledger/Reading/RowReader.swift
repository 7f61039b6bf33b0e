import Facts

/// Reads the columns of a row one after another, as `ListShape` puts them.
struct RowReader {
  private let statement: Statement
  private var column: Int

  init(_ statement: Statement, from column: Int = 0) {
    self.statement = statement
    self.column = column
  }

  private mutating func next() -> Int {
    defer { column += 1 }
    return column
  }

  mutating func int() -> Int64 { statement.int(next()) }
  mutating func optionalInt() -> Int64? { statement.optionalInt(next()) }
  mutating func text() -> String { statement.text(next()) }
  mutating func optionalText() -> String? { statement.optionalText(next()) }
  mutating func bytes() -> [UInt8] { statement.bytes(next()) }

  mutating func optionalDouble() -> Double? {
    let column = next()
    return statement.isNull(column) ? nil : statement.double(column)
  }

  mutating func optionalBytes() -> [UInt8]? {
    let column = next()
    return statement.isNull(column) ? nil : statement.bytes(column)
  }

  mutating func amounts() -> Amounts {
    var amounts = Amounts()
    amounts.observations = int()
    amounts.errors = int()
    amounts.tokens.input = optionalInt()
    amounts.tokens.output = optionalInt()
    amounts.tokens.total = optionalInt()
    amounts.tokens.cacheRead = optionalInt()
    amounts.tokens.cacheWrite = optionalInt()
    amounts.tokens.reasoning = optionalInt()
    amounts.cost = optionalInt()
    return amounts
  }

  mutating func percentiles() -> Percentiles {
    Percentiles(p50: optionalInt(), p95: optionalInt(), p99: optionalInt())
  }

  private mutating func summary() -> Summary {
    Summary(
      firstEvent: int(), lastEvent: int(), traces: int(), amounts: amounts(),
      latency: percentiles(), metadata: optionalText())
  }

  mutating func user() -> ListedUser {
    ListedUser(endUser: text(), sessions: int(), summary: summary())
  }

  mutating func session() -> ListedSession {
    ListedSession(
      session: text(), endUser: optionalText(), disagrees: int() != 0, duration: int(), summary: summary())
  }

  /// A trace, without its labels, and the set that these are.
  mutating func trace() -> (row: ListedTrace, labels: [Label]) {
    let row = ListedTrace(
      trace: Hexadecimal.text(bytes()), session: optionalText(), endUser: optionalText(), name: optionalText(),
      timestamp: int(), latency: int(), amounts: amounts(), metadata: optionalText())
    return (row, LabelSet.labels(in: bytes()))
  }
}

extension RowReader {
  mutating func score() -> ListedScore {
    ListedScore(
      id: text(), name: text(), number: optionalDouble(), label: optionalText(),
      dataType: Score.DataType(rawValue: UInt8(clamping: int())) ?? .numeric,
      source: Score.Source(rawValue: UInt8(clamping: int())) ?? .api, timestamp: int(),
      trace: optionalBytes().map { Hexadecimal.text($0) },
      span: optionalInt().map { span in withUnsafeBytes(of: span) { Hexadecimal.text($0) } }, session: optionalText(),
      endUser: optionalText(), comment: optionalText(), environment: optionalText(), metadata: optionalText())
  }
}

/// Ids as they are written.
enum Hexadecimal {
  private static let digits = Array("0123456789abcdef".utf8)

  static func text(_ bytes: some Sequence<UInt8>) -> String {
    String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  /// nil for what is no such number of bytes.
  static func bytes(_ text: String, count: Int) -> [UInt8]? {
    let digits = text.utf8.compactMap { Character(Unicode.Scalar($0)).hexDigitValue.map(UInt8.init) }
    guard text.utf8.count == count * 2, digits.count == count * 2 else { return nil }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }
}
