import Synchronization

/// One record of a spool that is not done: an accepted request, whose units (its spans) are done one by one.
///
/// A unit is named for ever by the record's sequence number and the unit's position. The spool keeps the record alive until
/// all of its units are done, so whoever has a unit that is not done may refer to its record without owning it.
package final class SpoolRecord: @unchecked Sendable {
  // Sendable: `place` is touched only under the spool's lock; the rest is atomic or immutable.

  /// What a record tells when units of it were done; called at most once until it says that it has taken note.
  package protocol Keeper: AnyObject, Sendable {
    func noteChange(of record: SpoolRecord)
  }

  /// The permanent number of the request; each is larger than all before.
  package let sequence: UInt64
  /// Spans in it.
  package let unitCount: Int
  /// When it was accepted: nanoseconds of `SpoolClock`.
  package let arrival: UInt64
  /// Where its bytes are now.
  var place: SpoolPlace
  private unowned(unsafe) let keeper: any Keeper
  private let remaining: Atomic<Int>
  private let hasNews = Atomic<Bool>(false)
  private let words: UnsafeMutablePointer<Atomic<UInt64>>

  package init(sequence: UInt64, unitCount: Int, arrival: UInt64, place: SpoolPlace, keeper: any Keeper) {
    self.sequence = sequence
    self.unitCount = unitCount
    self.arrival = arrival
    self.place = place
    self.keeper = keeper
    remaining = Atomic(unitCount)
    words = .allocate(capacity: Self.wordCount(unitCount))
    for word in 0..<Self.wordCount(unitCount) { (words + word).initialize(to: Atomic(0)) }
  }

  deinit {
    words.deinitialize(count: Self.wordCount(unitCount))
    words.deallocate()
  }

  /// Words of 64 units in a record's set of done units.
  static func wordCount(_ unitCount: Int) -> Int { (unitCount + 63) / 64 }

  /// Units that are not done.
  package var remainingCount: Int { remaining.load(ordering: .acquiring) }

  package func isDone(_ unit: Int) -> Bool {
    words[unit >> 6].load(ordering: .relaxed) & (1 << UInt64(unit & 63)) != 0
  }

  /// 64 units from `word * 64` on, a bit each: those that are done.
  func doneWord(_ word: Int) -> UInt64 { words[word].load(ordering: .acquiring) }

  /// Takes note that units are done: what must happen to them has happened, and no restart may repeat it. Units that were
  /// done already are none the worse.
  package func markDone(_ first: Int, count: Int) {
    var changed = 0
    var unit = first
    let end = first + count
    while unit < end {
      let bits = min(64 - unit & 63, end - unit)
      let mask = (bits == 64 ? ~0 : (UInt64(1) << UInt64(bits)) - 1) << UInt64(unit & 63)
      let old = words[unit >> 6].bitwiseOr(mask, ordering: .releasing).oldValue
      changed += (mask & ~old).nonzeroBitCount
      unit += bits
    }
    guard changed > 0 else { return }
    remaining.subtract(changed, ordering: .acquiringAndReleasing)
    if !hasNews.exchange(true, ordering: .acquiringAndReleasing) { keeper.noteChange(of: self) }
  }

  /// All units at once.
  package func markAllDone() { markDone(0, count: unitCount) }

  /// What is done from now on is told anew.
  func takeNote() { hasNews.store(false, ordering: .sequentiallyConsistent) }
}

/// Where a record's bytes are.
package struct SpoolPlace: Sendable, Equatable {
  package var segment: UInt64
  /// Bytes from the segment's start to the record's, and of the record's payload.
  package var offset: Int
  package var length: Int

  package init(segment: UInt64, offset: Int, length: Int) {
    self.segment = segment
    self.offset = offset
    self.length = length
  }
}

/// Consecutive units of one record. Does not own the record: see there.
package struct SpoolUnits {
  package let record: Unmanaged<SpoolRecord>
  package let first: UInt32
  package var count: UInt32

  @inlinable package init(record: Unmanaged<SpoolRecord>, first: UInt32, count: UInt32) {
    self.record = record
    self.first = first
    self.count = count
  }

  /// See `SpoolRecord.markDone`.
  package func markDone() {
    // Held while this runs: the last unit's end is the record's.
    record.takeUnretainedValue().markDone(Int(first), count: Int(count))
  }
}
