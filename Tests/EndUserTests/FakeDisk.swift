import EndUser
import Locks
import OTLP
@testable import Spool
import TestSupport

/// What a spool and a journal keep, in memory: a test says when something is recorded and when the process dies.
final class FakeDisk: TestDisk, RecordReader, EntryLog, SpoolRecord.Keeper, @unchecked Sendable {
  // Sendable: everything is touched under `lock`.
  struct Stored {
    let sequence: UInt64
    let bytes: [UInt8]
    let arrival: UInt64
    /// The spans by their units, and where each payload is in `bytes`.
    let spans: [SpanStub]
    let places: [Range<Int>]
    var done: Set<Int> = []
    /// Whether the spool had to move it: then no range is left but those of spans.
    var isMoved = false
  }

  private let lock = Lock()
  private var stored: [Stored] = []
  private var records: [UInt64: SpoolRecord] = [:]
  /// Records of which all was done since the last recording.
  private var finished: Set<UInt64> = []
  private var entries: [(bytes: [UInt8], time: UInt64)] = []
  private var unflushed: [(bytes: [UInt8], time: UInt64)] = []
  private var broken = false
  private(set) var reads = 0
  private let clock: @Sendable () -> UInt64

  init(clock: @escaping @Sendable () -> UInt64) {
    self.clock = clock
  }

  var reader: any RecordReader { self }
  var log: any EntryLog { self }

  // MARK: What a spool does

  func append(_ spans: [SpanStub], _ bytes: [UInt8], _ index: SpanIndex) -> SpoolRecord {
    lock.withLock {
      let places = (0..<index.spanCount).map { position in
        let span = index.spans[position]
        return Int(span.offset)..<Int(span.offset) + Int(span.length)
      }
      let stored = Stored(
        sequence: (self.stored.last?.sequence ?? 0) + 1, bytes: bytes, arrival: clock(), spans: spans, places: places)
      self.stored.append(stored)
      return open(stored)
    }
  }

  private func open(_ stored: Stored) -> SpoolRecord {
    let record = SpoolRecord(
      sequence: stored.sequence, unitCount: stored.places.count, arrival: stored.arrival,
      place: SpoolPlace(segment: 0, offset: 0, length: stored.bytes.count), keeper: self)
    for unit in stored.done { record.markDone(unit, count: 1) }
    records[stored.sequence] = record
    return record
  }

  /// A record goes as soon as nothing of it is left: whoever still uses it then is found by the sanitizer.
  func noteChange(of record: SpoolRecord) {
    record.takeNote()
    lock.withLock {
      guard record.remainingCount == 0 else { return }
      records[record.sequence] = nil
      finished.insert(record.sequence)
    }
  }

  func read(_ record: SpoolRecord, offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(SpoolError) {
    let found: [UInt8]? = lock.withLock {
      reads += 1
      guard !broken, let stored = stored.first(where: { $0.sequence == record.sequence }) else { return nil }
      let range = offset..<offset + buffer.count
      guard range.upperBound <= stored.bytes.count else { return nil }
      if stored.isMoved,
        !stored.places.contains(where: { $0.lowerBound <= offset && range.upperBound <= $0.upperBound })
      {
        return nil
      }
      return Array(stored.bytes[range])
    }
    guard let found else { throw .system("unreadable") }
    buffer.copyBytes(from: found)
  }

  /// Makes every read fail from now on.
  func breakReads() { lock.withLock { broken = true } }

  /// Overwrites everything that was stored with other bytes.
  func overwrite(with byte: UInt8) {
    lock.withLock {
      stored = stored.map { old in
        Stored(
          sequence: old.sequence, bytes: [UInt8](repeating: byte, count: old.bytes.count), arrival: old.arrival,
          spans: old.spans, places: old.places, done: old.done)
      }
    }
  }

  /// What the spool's thread does now and then: the journal first, then what is done.
  func record() {
    flush()
    lock.withLock {
      for position in stored.indices {
        let sequence = stored[position].sequence
        for unit in stored[position].places.indices where records[sequence]?.isDone(unit) ?? finished.contains(sequence)
        {
          stored[position].done.insert(unit)
        }
      }
    }
  }

  var remaining: Int {
    lock.withLock { records.values.reduce(0) { $0 + $1.remainingCount } }
  }

  var recordedDone: Set<[UInt64]> {
    lock.withLock {
      func spans(where isWanted: (Stored, Int) -> Bool) -> Set<[UInt64]> {
        Set(
          stored.flatMap { record in
            record.spans.indices.filter { isWanted(record, $0) }.map { [record.spans[$0].trace, record.spans[$0].id] }
          })
      }
      return spans { $0.done.contains($1) }.subtracting(spans { !$0.done.contains($1) })
    }
  }

  // MARK: What a journal does

  func append(_ entry: UnsafeRawBufferPointer) { lock.withLock { unflushed.append((Array(entry), clock())) } }

  func flush() {
    lock.withLock {
      entries += unflushed
      unflushed = []
    }
  }

  func replay(_ body: (UnsafeRawBufferPointer, UInt64) -> Void) {
    for entry in lock.withLock({ entries }) { entry.bytes.withUnsafeBytes { body($0, entry.time) } }
  }

  /// All entries that are on the disk.
  var journal: [[UInt8]] { lock.withLock { entries.map(\.bytes) } }

  // MARK: What a crash does

  func reopened(moves: (UInt64) -> Bool) -> any TestDisk { reopened(moving: moves) }

  func reopened(moving: (UInt64) -> Bool = { _ in false }) -> FakeDisk {
    let next = FakeDisk(clock: clock)
    lock.withLock {
      next.entries = entries
      next.stored = stored.map { old in
        var stored = old
        stored.isMoved = old.isMoved || moving(old.sequence)
        return stored
      }
      for stored in next.stored where stored.done.count < stored.places.count { _ = next.open(stored) }
    }
    return next
  }

  var unfinished: [(record: SpoolRecord, bytes: [UInt8], units: [UInt32]?, offsets: [UInt32]?)] {
    lock.withLock {
      stored.compactMap { stored in
        guard let record = records[stored.sequence] else { return nil }
        guard stored.isMoved else { return (record, stored.bytes, nil, nil) }
        let units = stored.spans.indices.filter { !stored.done.contains($0) }
        return (
          record, SpanStub.request(units.map { stored.spans[$0] }), units.map(UInt32.init),
          units.map { UInt32(stored.places[$0].lowerBound) }
        )
      }
    }
  }
}
