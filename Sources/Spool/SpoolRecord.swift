import Synchronization

/// One record of a spool that is not done: an accepted request, whose units (its spans) are done one by one.
///
/// A unit is named for ever by the record's sequence number and the unit's position. The spool keeps the record alive until
/// all of its units are done, so whoever has a unit that is not done may refer to its record without owning it.
package final class SpoolRecord: @unchecked Sendable {
  // Sendable: `place` and `table` are touched only under the spool's lock, `recorded` and `staysInPlace` only by the spool's
  // thread; the rest is atomic or immutable.

  /// What a record tells when units of it were done; called at most once until it says that it has taken note.
  package protocol Keeper: AnyObject, Sendable {
    func noteChange(of record: SpoolRecord)
  }

  /// The permanent number of the request; each is larger than all before.
  package let sequence: UInt64
  /// Spans in it, and one more where somebody follows.
  package let unitCount: Int
  private let hasFollower: Bool
  /// When it was accepted: nanoseconds of `SpoolClock`.
  package let arrival: UInt64
  /// Where its bytes are now.
  var place: SpoolPlace
  /// What a moved record's bytes are; nil as long as it is where it was first written.
  var table: UnitTable?
  /// Whether it has turned out that it can't be moved.
  var staysInPlace = false
  private unowned(unsafe) let keeper: any Keeper
  private let remaining: Atomic<Int>
  private let hasNews = Atomic<Bool>(false)
  private let words: UnsafeMutablePointer<Atomic<UInt64>>
  /// The words as the files say.
  private let recorded: UnsafeMutablePointer<UInt64>

  package init(
    sequence: UInt64, unitCount: Int, hasFollower: Bool = false, arrival: UInt64, place: SpoolPlace, keeper: any Keeper
  ) {
    self.sequence = sequence
    self.unitCount = unitCount
    self.hasFollower = hasFollower
    self.arrival = arrival
    self.place = place
    self.keeper = keeper
    remaining = Atomic(unitCount)
    words = .allocate(capacity: Self.wordCount(unitCount))
    for word in 0..<Self.wordCount(unitCount) { (words + word).initialize(to: Atomic(0)) }
    recorded = .allocate(capacity: Self.wordCount(unitCount))
    recorded.initialize(repeating: 0, count: Self.wordCount(unitCount))
  }

  deinit {
    words.deinitialize(count: Self.wordCount(unitCount))
    words.deallocate()
    recorded.deallocate()
  }

  /// The last unit, where it is no span but stands for somebody who reads the whole request beside the pipeline, and is done
  /// when he has it.
  package var followerUnit: Int? { hasFollower ? unitCount - 1 : nil }

  package var spanCount: Int { hasFollower ? unitCount - 1 : unitCount }

  /// Whether a follower still needs the request.
  package var isFollowed: Bool { followerUnit.map { !isDone($0) } ?? false }

  /// The follower has it, or nobody follows any more.
  package func markFollowed() {
    if let followerUnit { markDone(followerUnit, count: 1) }
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

  /// What is done from now on is told anew; what was done before is seen by who reads the words after this.
  func takeNote() { _ = hasNews.exchange(false, ordering: .acquiringAndReleasing) }

  /// Takes what the files say, before anybody else knows the record.
  func restoreDone(word: Int, bits: UInt64) {
    guard word < Self.wordCount(unitCount) else { return }
    let last = unitCount - word * 64
    let bits = last < 64 ? bits & ((1 << UInt64(last)) - 1) : bits
    let old = words[word].bitwiseOr(bits, ordering: .relaxed).oldValue
    remaining.subtract((bits & ~old).nonzeroBitCount, ordering: .relaxed)
    recorded[word] |= bits
  }

  /// Takes all units as done that a table has not, as the files say.
  func restoreOthers(than table: UnitTable) {
    restartRecording(table)
    for word in 0..<Self.wordCount(unitCount) { words[word].store(recorded[word], ordering: .relaxed) }
    remaining.store(table.entries.count, ordering: .relaxed)
  }

  /// The words from the first that is not as the files say to the last such one; the files are about to say them.
  func takeUnrecorded() -> (first: Int, words: [UInt64])? {
    var first = 0
    var end = Self.wordCount(unitCount)
    while first < end, doneWord(first) == recorded[first] { first += 1 }
    while first < end, doneWord(end - 1) == recorded[end - 1] { end -= 1 }
    guard first < end else { return nil }
    let changed = (first..<end).map(doneWord)
    for (index, word) in changed.enumerated() { recorded[first + index] = word }
    return (first, changed)
  }

  /// The record has a new place, whose files say that everything is done but the units of a table, or with nil nothing.
  func restartRecording(_ table: UnitTable?) {
    let count = Self.wordCount(unitCount)
    recorded.update(repeating: table == nil ? 0 : ~0, count: count)
    guard let table else { return }
    if unitCount % 64 != 0 { recorded[count - 1] = (1 << UInt64(unitCount % 64)) - 1 }
    for entry in table.entries { recorded[Int(entry.unit) >> 6] &= ~(1 << UInt64(entry.unit & 63)) }
  }
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
