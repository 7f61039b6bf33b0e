import Glibc
import Locks
import Spool
import TestSupport
import Testing

/// A disk that refuses, at the calls where disks do.
@Suite("A disk that refuses")
struct DiskFailureTests {
  /// What the disk does at the moment.
  private final class Disk: Sendable {
    /// Bytes that it still takes; nil for all.
    let room = Locked<Int?>(nil)
    let failsSync = Locked(false)
    let syncs = Locked(0)
    /// Called during a sync.
    let duringSync = Locked<(@Sendable () -> Void)?>(nil)

    var operations: FileOperations {
      FileOperations(
        write: { [self] descriptor, parts, count, offset in
          let allowed = room.withLock { $0 }
          guard let allowed else { return FileOperations.system.write(descriptor, parts, count, offset) }
          let first = min(parts.pointee.iov_len, allowed)
          guard first > 0 else {
            errno = ENOSPC
            return -1
          }
          let written = pwrite(descriptor, parts.pointee.iov_base, first, offset)
          room.withLock { $0! -= max(0, written) }
          return written
        },
        sync: { [self] descriptor in
          syncs.withLock { $0 += 1 }
          duringSync.withLock { $0 }?()
          guard failsSync.withLock({ $0 }) else { return 0 }
          errno = EIO
          return -1
        })
    }
  }

  private let disk = Disk()
  private let fixture: SpoolFixture

  init() {
    let disk = disk
    fixture = SpoolFixture {
      $0.operations = disk.operations
      $0.segmentBytes = 4000
    }
  }

  @Test("A full disk refuses until it has room again, and says so twice", arguments: [0, 10, 56, 60, 300])
  func full(room: Int) throws {
    let spool = try fixture.open()
    let kept = try spool.append([UInt8](repeating: 1, count: 500))
    disk.room.withLock { $0 = room }
    for _ in 0..<3 { #expect(throws: SpoolError.self) { try spool.append([UInt8](repeating: 2, count: 500)) } }
    #expect(try #require(spool.refusal).description.contains("No space left"))
    spool.maintain()
    #expect(spool.refusal != nil)
    // Reading goes on, and what is done is noted as soon as there is room.
    #expect(try spool.readAll(kept).count == 500)
    kept.markAllDone()
    spool.maintain()
    disk.room.withLock { $0 = nil }
    spool.maintain()
    #expect(spool.refusal == nil)
    let next = try spool.append([3])
    #expect(next.sequence > kept.sequence)
    #expect(fixture.lines.withLock { $0.filter { $0.contains("the disk refuses") }.count } == 1)
    #expect(fixture.lines.withLock { $0.filter { $0.contains("requests are taken") }.count } == 1)
    spool.stop()
    let reopened = try fixture.open()
    #expect(reopened.replayed().map(\.payload) == [[3]])
    #expect(fixture.value("corrupt_records") == 0)
    reopened.stop()
  }

  @Test("A disk that is full from the start is no end: requests are refused, then taken")
  func fullAtStart() throws {
    let first = try fixture.open()
    try first.append([1])
    first.stop()
    disk.room.withLock { $0 = 0 }
    let second = try fixture.open()
    #expect(second.refusal != nil)
    let record = try #require(second.replayed().first?.record)
    record.markAllDone()
    second.maintain()
    // The only file that knows the next sequence number.
    #expect(try fixture.files(".log").count == 1)
    disk.room.withLock { $0 = nil }
    second.maintain()
    #expect(try second.append([2]).sequence > record.sequence)
    second.stop()
  }

  @Test("What a full disk kept from being recorded is recorded later")
  func doneIsKept() throws {
    let spool = try fixture.open()
    let records = try (0..<3).map { try spool.append([UInt8($0)], unitCount: 100) }
    disk.room.withLock { $0 = 20 }
    for record in records { record.markDone(3, count: 90) }
    spool.maintain()
    disk.room.withLock { $0 = 0 }
    records[0].markAllDone()
    spool.maintain()
    disk.room.withLock { $0 = nil }
    spool.maintain()
    let copy = try fixture.crashed().open()
    let replayed = copy.replayed().map(\.record)
    #expect(replayed.map(\.sequence) == records[1...].map(\.sequence))
    #expect(replayed.map(\.remainingCount) == [10, 10])
    copy.stop()
    spool.stop()
  }

  @Test("A done file whose sync fails is written anew")
  func doneSyncFails() throws {
    let spool = try fixture.open()
    let record = try spool.append([1], unitCount: 2)
    spool.maintain()
    record.markDone(0, count: 1)
    disk.failsSync.withLock { $0 = true }
    spool.maintain()
    // What the system may do with pages it could not write.
    let file = try #require(try fixture.files(".done").first)
    try fixture.write([UInt8](repeating: 0, count: fixture.bytes(file).count), to: file)
    disk.failsSync.withLock { $0 = false }
    spool.maintain()
    let copy = try fixture.crashed().open()
    #expect(copy.replayed().map(\.record.remainingCount) == [1])
    copy.stop()
    spool.stop()
  }

  /// What `whenSynced` says.
  private func isSynced(_ spool: Spool, _ record: SpoolRecord?) -> Bool {
    let answer = Locked<Bool?>(nil)
    spool.whenSynced(record) { isSynced in answer.withLock { $0 = isSynced } }
    #expect(eventually { answer.withLock { $0 != nil } })
    return answer.withLock { $0 } ?? false
  }

  @Test("After a failed sync nothing is believed of the old segment, and a new one serves")
  func syncFails() throws {
    let spool = try fixture.open()
    spool.start()
    let safe = try spool.append([1])
    #expect(isSynced(spool, nil))
    disk.failsSync.withLock { $0 = true }
    let lost = try spool.append([2])
    #expect(!isSynced(spool, lost))
    disk.failsSync.withLock { $0 = false }
    #expect(!isSynced(spool, lost))
    #expect(isSynced(spool, safe))
    let next = try spool.append([3])
    #expect(isSynced(spool, next))
    #expect(!isSynced(spool, nil))
    lost.markAllDone()
    #expect(eventually { isSynced(spool, nil) })
    #expect(fixture.value("write_errors") > 0)
    spool.stop()
    #expect(!isSynced(spool, nil))
  }

  @Test("What comes during a sync does not make it fail")
  func appendDuringSync() throws {
    let spool = try fixture.open()
    spool.start()
    disk.duringSync.withLock { $0 = { [weak spool] in _ = try? spool?.append([2]) } }
    for _ in 0..<5 {
      try spool.append([1])
      #expect(isSynced(spool, nil))
    }
    disk.duringSync.withLock { $0 = nil }
    spool.stop()
  }

  @Test("A record whose new place is lost goes back to its old one")
  func moveIsLost() throws {
    fixture.budget = SpoolBudget(maxBytes: 1 << 20)
    let spool = try fixture.open()
    spool.reduceWith(UnitPayload.reduce)
    var random = SeededGenerator(seed: 1)
    let payload = UnitPayload.random(units: 100, using: &random)
    let record = try spool.append(payload, unitCount: 100)
    try spool.append([UInt8](repeating: 0, count: 3000)).markAllDone()
    try spool.append([0, 0, 0])
    record.markDone(0, count: 90)
    spool.maintain()
    #expect(fixture.value("moved_bytes") > 0)
    record.markDone(90, count: 1)
    disk.failsSync.withLock { $0 = true }
    spool.maintain()
    disk.failsSync.withLock { $0 = false }
    // Back, and then moved anew, with what has become done since.
    #expect(spool.units(of: record) == Array(91..<100))
    let unit = UnitPayload.parse(payload)[95]
    #expect(try spool.read(record, offset: unit.offset, count: unit.bytes.count) == unit.bytes)
    spool.maintain()
    spool.maintain()
    let copy = try fixture.crashed().open()
    let replayed = try #require(copy.replayed().first { $0.record.sequence == record.sequence })
    #expect(replayed.record.remainingCount == 9)
    copy.stop()
    spool.stop()
  }

  @Test("Many who wait share a sync")
  func sharedSync() throws {
    fixture.configure = { [disk] in
      $0.operations = disk.operations
      $0.syncInterval = .seconds(3600)
    }
    let spool = try fixture.open()
    let answers = Locked(0)
    for number in 0..<100 {
      let record = try spool.append([UInt8(number)])
      spool.whenSynced(record) { isSynced in if isSynced { answers.withLock { $0 += 1 } } }
    }
    #expect(disk.syncs.withLock { $0 } == 0)
    spool.start()
    #expect(eventually { answers.withLock { $0 } == 100 })
    // The segment and the directory.
    #expect(disk.syncs.withLock { $0 } == 2)
    spool.stop()
  }
}
