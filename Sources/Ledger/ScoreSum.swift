/// Scores of one name, summed up. Nothing is rounded on the way, so that what was added can be taken off again, and the order
/// does not matter.
struct ScoreSum: Equatable, Sendable {
  private(set) var scores: Int64 = 0
  /// How many of them have a number.
  private(set) var numbers: Int64 = 0
  private(set) var billionths: Int128 = 0

  /// What lies further from zero counts as this much.
  static let limit = 1e15

  init() {}

  /// Puts a score on (`sign` 1) or takes it off (-1).
  mutating func add(_ number: Double?, _ sign: Int64 = 1) {
    scores += sign
    guard let number else { return }
    numbers += sign
    billionths += Int128((min(max(number, -Self.limit), Self.limit) * 1e9).rounded()) * Int128(sign)
  }

  static func += (one: inout ScoreSum, other: ScoreSum) {
    one.scores += other.scores
    one.numbers += other.numbers
    one.billionths += other.billionths
  }

  /// nil without a number.
  var mean: Double? { numbers > 0 ? Double(billionths) / (1e9 * Double(numbers)) : nil }

  // MARK: In SQL

  /// The sum as 16 bytes, little-endian.
  var bytes: [UInt8] { withUnsafeBytes(of: billionths.littleEndian) { Array($0) } }

  /// Of a row. `sum` are the bytes of one; of others it is taken for 0.
  init(scores: Int64, numbers: Int64, sum: UnsafeRawBufferPointer) {
    self.scores = scores
    self.numbers = numbers
    if sum.count == MemoryLayout<Int128>.size { billionths = Int128(littleEndian: sum.loadUnaligned(as: Int128.self)) }
  }
}

/// Whose scores are summed up. The raw value is the `owner_kind` of `score_sums` and `score_labels`.
enum ScoreOwner: Int64, CaseIterable {
  case user = 0, session, trace
}
