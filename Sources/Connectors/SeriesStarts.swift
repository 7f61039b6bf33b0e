import Facts
import Ledger

/// Since when each series counts. That stays the same, but for a series whose figures have become less: a count that only
/// grows has then begun anew.
struct SeriesStarts {
  private struct Series {
    var start: Int64
    var figures: [Int64]
    var isThere = true
  }

  private var known: [SeriesName: Series] = [:]
  private let capacity: Int

  /// - Parameter capacity: series that there are at most.
  init(capacity: Int) {
    self.capacity = capacity
  }

  /// Takes what is told next.
  ///
  /// - Parameters:
  ///   - rollups: what is told.
  ///   - previous: when something was told last; nil when nothing was.
  mutating func follow(_ rollups: UserRollups, previous: Int64?) {
    for name in known.keys { known[name]?.isThere = false }
    for (name, rollup) in rollups.series {
      let figures = rollup.growing
      let before = known[name]
      let hasShrunk = before.map { zip($0.figures, figures).contains { $0 > $1 } } ?? false
      let start = hasShrunk ? previous ?? rollups.since : before?.start ?? rollups.since
      known[name] = Series(start: max(start, rollups.since), figures: figures)
    }
    // One that is gone may come again, and counts from zero then.
    for (name, series) in known where !series.isThere {
      known[name]?.figures = Array(repeating: .max, count: series.figures.count)
    }
    if known.count > 2 * capacity { known = known.filter(\.value.isThere) }
  }

  /// Series that are remembered.
  var count: Int { known.count }

  /// In nanoseconds since the Unix epoch.
  func start(of name: SeriesName) -> Int64 { known[name]?.start ?? 0 }
}

/// Whose figures a series has.
enum SeriesName: Hashable {
  case user(String)
  /// All users beyond the limit.
  case overflow
  case nobody
}

extension UserRollups {
  /// What is told, with whose figures these are.
  var series: [(name: SeriesName, rollup: UserRollup)] {
    users.map { (SeriesName.user($0.endUser), $0) } + (others.map { [(.overflow, $0)] } ?? [])
      + (nobody.map { [(.nobody, $0)] } ?? [])
  }
}

extension UserRollup {
  /// The figures that only grow, usually.
  fileprivate var growing: [Int64] {
    [
      traces, amounts.observations, amounts.errors, amounts.cost ?? 0, amounts.tokens.input ?? 0,
      amounts.tokens.output ?? 0, amounts.tokens.total ?? 0, amounts.tokens.cacheRead ?? 0,
      amounts.tokens.cacheWrite ?? 0, amounts.tokens.reasoning ?? 0,
    ] + latencies.counts
  }
}
