import Foundation
import Glibc
import Locks
import Spool
import TestSupport
import Testing

@Suite("A spool")
struct SpoolTests {
  @Test("Sequence numbers go on after everything was done and removed")
  func sequence() throws {
    let fixture = SpoolFixture { $0.segmentBytes = 1000 }
    var last: UInt64 = 0
    for _ in 0..<4 {
      let spool = try fixture.open()
      for _ in 0..<10 {
        let record = try spool.append([UInt8](repeating: 1, count: 300))
        #expect(record.sequence > last)
        last = record.sequence
        record.markAllDone()
      }
      spool.maintain()
      spool.maintain()
      #expect(try fixture.files(".log").count == 1)
      spool.stop()
    }
  }

  @Test("What is done when the spool stops is gone then")
  func stop() throws {
    let fixture = SpoolFixture { $0.segmentBytes = 1000 }
    let spool = try fixture.open()
    spool.start()
    for _ in 0..<10 { try spool.append([UInt8](repeating: 1, count: 300)).markAllDone() }
    spool.stop()
    #expect(try fixture.files(".log").count == 1)
    #expect(throws: SpoolError.self) { try spool.append([1]) }
    let next = try fixture.open()
    #expect(next.replayCount == 0)
    next.stop()
  }

  @Test("A record without units is nobody's to finish")
  func empty() throws {
    let fixture = SpoolFixture()
    let spool = try fixture.open()
    #expect(try spool.append([1, 2], unitCount: 0).remainingCount == 0)
    #expect(fixture.value("records") == 0)
    spool.stop()
    let next = try fixture.open()
    #expect(next.replayCount == 0)
    next.stop()
  }

  @Test("A directory has one spool at a time, and the error names it")
  func lock() throws {
    let fixture = SpoolFixture()
    let first = try fixture.open()
    let error = #expect(throws: SpoolError.self) { try fixture.open() }
    #expect(try #require(error).description.contains(fixture.directory))
    first.stop()
    try fixture.open().stop()
  }

  @Test("A directory that can't be is a clear error")
  func noDirectory() throws {
    let error = #expect(throws: SpoolError.self) {
      try Spool(
        Spool.Configuration(directory: "/proc/no/spool"), budget: SpoolBudget(maxBytes: 1), log: SpoolFixture().log,
        registry: SpoolFixture().registry, labels: [])
    }
    #expect(try #require(error).description.contains("/proc/no"))
  }

  @Test("A full budget refuses requests, then keeps a reserve, and takes again when space is free")
  func budget() throws {
    let fixture = SpoolFixture { $0.segmentBytes = 20_000 }
    fixture.budget = SpoolBudget(maxBytes: 160_000)
    let spool = try fixture.open()
    let queueFixture = SpoolFixture {
      $0.segmentBytes = 4000
      $0.usesReserve = true
    }
    queueFixture.budget = fixture.budget
    let queue = try queueFixture.open()
    var records: [SpoolRecord] = []
    let payload = [UInt8](repeating: 1, count: 5000)
    while spool.refusal == nil { records.append(try spool.append(payload)) }
    #expect(spool.refusal == .full(limit: 160_000))
    #expect(throws: SpoolError.full(limit: 160_000)) { try spool.append(payload) }
    #expect((150_000..<160_000).contains(fixture.budget.used))
    #expect(fixture.budget.used == fixture.value("bytes") + queueFixture.value("bytes"))
    // What frees space has the reserve.
    try queue.append(payload)
    while queue.refusal == nil { try queue.append(payload) }
    #expect(throws: SpoolError.full(limit: 160_000)) { try queue.append(payload) }

    for record in records { record.markAllDone() }
    spool.maintain()
    spool.maintain()
    #expect(spool.refusal == nil)
    try spool.append(payload)
    spool.stop()
    queue.stop()
    #expect(fixture.budget.used == 0)
  }

  @Test("Appending, finishing, reading and moving at once")
  func threads() throws {
    let fixture = SpoolFixture {
      $0.segmentBytes = 20_000
      $0.syncInterval = .milliseconds(5)
      $0.moveBytes = 50_000
    }
    let spool = try fixture.open()
    spool.reduceWith(UnitPayload.reduce)
    spool.start()
    let left = Locked<[UInt64: Set<UInt32>]>([:])
    let threads = (0..<4).map { thread in
      BackgroundThread(name: "test") {
        var random = SeededGenerator(seed: UInt64(thread))
        for _ in 0..<150 {
          let payload = UnitPayload.random(units: 30, using: &random)
          guard let record = try? spool.append(payload, unitCount: 30) else {
            Issue.record("an append failed")
            return
          }
          let kept = UInt32.random(in: 0..<40, using: &random)
          for unit in UnitPayload.parse(payload) {
            if unit.number != kept { record.markDone(Int(unit.number), count: 1) }
          }
          guard kept < 30 else { continue }
          let unit = UnitPayload.parse(payload)[Int(kept)]
          let bytes = try? spool.read(record, offset: unit.offset, count: unit.bytes.count)
          #expect(bytes == unit.bytes)
          left.withLock { $0[record.sequence] = [kept] }
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(eventually { fixture.value("moved_bytes") > 0 })
    spool.stop()
    let next = try fixture.open()
    var expected = left.withLock { $0 }
    for (record, payload, units) in next.replayed() {
      let notDone = Set((0..<30).filter { !record.isDone($0) }.map(UInt32.init))
      #expect(expected.removeValue(forKey: record.sequence) == notDone)
      #expect(Set(UnitPayload.parse(payload).map(\.number)).isSuperset(of: notDone))
      if let units { #expect(units == UnitPayload.parse(payload).map(\.number)) }
    }
    #expect(expected.isEmpty)
    next.stop()
  }

  @Test("Replay runs while others append, and ends when it is told")
  func replay() throws {
    let fixture = SpoolFixture()
    let first = try fixture.open()
    for number in 0..<10 { try first.append([UInt8(number)]) }
    first.stop()
    let second = try fixture.open()
    var seen: [UInt8] = []
    second.replay {
      seen.append($0.payload[0])
      _ = try? second.append([100])
      return seen.count < 4
    }
    #expect(seen == [0, 1, 2, 3])
    #expect(second.replayCount > 0)
    second.stop()
    let third = try fixture.open()
    #expect(third.replayed().map { $0.payload[0] } == Array(0..<10) + [100, 100, 100, 100])
    third.stop()
  }

  @Test("What must be on disk first is written before what is done, and knows nothing newer than it")
  func before() throws {
    let fixture = SpoolFixture()
    let spool = try fixture.open()
    let record = try spool.append([1, 2, 3], unitCount: 2)
    let second = Locked(0)
    spool.beforeRecording {
      // Becomes done too late for this round.
      second.withLock { $0 += 1 }
      record.markDone(1, count: 1)
    }
    record.markDone(0, count: 1)
    spool.maintain()
    let copy = try fixture.crashed().open()
    let replayed = copy.replayed()
    #expect(replayed.count == 1 && replayed[0].record.isDone(0) && !replayed[0].record.isDone(1))
    copy.stop()
    spool.stop()
    #expect(second.withLock { $0 } >= 2)
    let last = try fixture.open()
    #expect(last.replayCount == 0)
    last.stop()
  }

  @Test("What must be on disk first is synced before what is done, and before a segment goes")
  func beforeSync() throws {
    /// What came to the disk, in order; `prepared` is what must be there first.
    let events = Locked<[String]>([])
    let fixture = SpoolFixture {
      $0.segmentBytes = 3000
      $0.operations.sync = { descriptor in
        events.withLock { $0.append("sync") }
        return fdatasync(descriptor)
      }
    }
    let spool = try fixture.open()
    spool.beforeSyncing { [directory = fixture.directory] in
      let files = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
      let segments = files.filter { $0.hasSuffix(".log") }.count
      events.withLock { $0.append("prepared with \(segments) segments") }
    }
    // One segment of which a part is done, then one that is done as a whole.
    let record = try spool.append([UInt8](repeating: 1, count: 3000), unitCount: 2)
    record.markDone(0, count: 1)
    spool.maintain()
    #expect(events.withLock { $0 }.contains("prepared with 1 segments"))
    let (prepared, synced) = events.withLock { events in
      (events.firstIndex { $0.hasPrefix("prepared") }!, events.lastIndex(of: "sync")!)
    }
    #expect(prepared < synced, "the done file was synced before")
    try spool.append([UInt8](repeating: 2, count: 3000)).markAllDone()
    try spool.append([3])
    record.markAllDone()
    events.withLock { $0 = [] }
    spool.maintain()
    #expect(try fixture.files(".log").count == 1)
    #expect(events.withLock { $0 }.filter { $0 == "prepared with 3 segments" }.count == 2)
    spool.stop()
  }

  @Test("A directory that is made anew has another identity, over starts it is the same")
  func identity() throws {
    let fixture = SpoolFixture()
    let first = try fixture.open()
    let identity = first.identity()
    first.stop()
    let second = try fixture.open()
    #expect(second.identity() == identity && identity != 0)
    second.stop()
    try FileManager.default.removeItem(atPath: fixture.directory)
    let third = try fixture.open()
    #expect(third.identity() != identity)
    third.stop()
  }
}
