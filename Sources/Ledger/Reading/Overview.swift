/// The whole ledger at a glance.
package struct Overview: Sendable {
  /// Of all traces, with and without an end user.
  package var traces: Int64 = 0
  package var amounts = Amounts()
  package var firstEvent: Int64?
  package var lastEvent: Int64?
  package var latency = Percentiles()
  package var users: Int64 = 0
  package var sessions: Int64 = 0
  /// Traces without an end user.
  package var anonymousTraces: Int64 = 0
  /// How users are distributed, by each measure.
  package var distribution: [Measure: Histogram] = [:]
  /// The users with the most of each measure.
  package var top: [Measure: [ListedUser]] = [:]
  /// Models that no price is known for, with the calls that could not be priced; those with the most calls first.
  package var unpriced: [(model: String, calls: Int64)] = []

  /// What users are compared by.
  package enum Measure: CaseIterable, Sendable {
    case tokens, traces, cost
  }
}

/// How many have how much, in buckets whose bounds are 1, 2 and 5 times the powers of ten, and 0.
package struct Histogram: Sendable, Equatable {
  package struct Bucket: Sendable, Equatable {
    /// At least `from`, and less than `to`.
    package var from: Int64
    package var to: Int64
    package var count: Int64
  }

  /// Of how many nothing is known.
  package private(set) var unknown: Int64 = 0
  private var counts: [Int64]

  init() {
    counts = Array(repeating: 0, count: Self.bounds.count)
  }

  /// 0, 1, 2, 5, 10, 20 … ; the last bucket goes on to the largest number.
  private static let bounds: [Int64] = {
    var bounds: [Int64] = [0]
    var power: Int64 = 1
    while true {
      for factor: Int64 in [1, 2, 5] {
        let (bound, isTooLarge) = power.multipliedReportingOverflow(by: factor)
        if isTooLarge { return bounds }
        bounds.append(bound)
      }
      let (next, isTooLarge) = power.multipliedReportingOverflow(by: 10)
      if isTooLarge { return bounds }
      power = next
    }
  }()

  mutating func add(_ value: Int64?) {
    guard let value else {
      unknown += 1
      return
    }
    var low = 0
    var high = Self.bounds.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if Self.bounds[middle] <= value { low = middle } else { high = middle }
    }
    counts[low] += 1
  }

  /// From the first to the last one that has any, those between included.
  package var buckets: [Bucket] {
    guard let first = counts.firstIndex(where: { $0 > 0 }), let last = counts.lastIndex(where: { $0 > 0 }) else {
      return []
    }
    return (first...last).map { place in
      Bucket(
        from: Self.bounds[place], to: place + 1 < Self.bounds.count ? Self.bounds[place + 1] : .max,
        count: counts[place])
    }
  }
}
