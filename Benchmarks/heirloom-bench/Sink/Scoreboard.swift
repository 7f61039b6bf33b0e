import Locks

/// Adds up what all connections of a sink have seen, and knows which spans came.
final class Scoreboard: @unchecked Sendable {
  // Sendable: everything is touched only under `lock`.
  private let lock = Lock()
  private var tally = Tally()
  /// A bit for each span.
  private var seen: [UInt64]
  private var unique = 0
  private var lastArrival: UInt64 = 0

  /// - Parameter spans: how many there will be.
  init(spans: Int) {
    seen = [UInt64](repeating: 0, count: spans / 64 + 1)
  }

  func add(_ finding: RequestChecker.Finding) {
    lock.withLock {
      tally = tally + finding.tally
      for span in finding.spans {
        let bit: UInt64 = 1 << UInt64(span % 64)
        if seen[span / 64] & bit == 0 { unique += 1 } else { tally.duplicates += 1 }
        seen[span / 64] |= bit
      }
      lastArrival = MonotonicClock.now()
      lock.wakeAll()
    }
  }

  /// Counts what is no trace request.
  func addMalformed() {
    lock.withLock {
      tally.malformed += 1
      lock.wakeAll()
    }
  }

  /// Waits until that many different spans have come, or the deadline (monotonic nanoseconds) has.
  ///
  /// - Returns: whether they came.
  func wait(forSpans spans: Int, until deadline: UInt64) -> Bool {
    lock.withLock {
      while unique < spans {
        guard lock.wait(until: deadline) else { return unique >= spans }
      }
      return true
    }
  }

  /// Everything so far: the counts, how many different spans, and when the last request came (monotonic nanoseconds).
  var state: (tally: Tally, unique: Int, lastArrival: UInt64) {
    lock.withLock { (tally, unique, lastArrival) }
  }
}
