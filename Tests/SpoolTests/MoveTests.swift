import Glibc
import Locks
import Spool
import TestSupport
import Testing

@Suite("Moved records")
struct MoveTests {
  private let fixture = SpoolFixture { $0.segmentBytes = 3000 }

  /// A record of 100 units, of which a few are not done, in a segment that is closed.
  private func openWithFewLeft() throws -> (Spool, SpoolRecord, [UnitPayload.Unit]) {
    let spool = try fixture.open()
    var random = SeededGenerator(seed: 3)
    let payload = UnitPayload.random(units: 100, using: &random)
    let record = try spool.append(payload, unitCount: 100)
    try spool.append([UInt8](repeating: 0, count: 3000)).markAllDone()
    record.markDone(0, count: 20)
    record.markDone(25, count: 75)
    return (spool, record, UnitPayload.parse(payload))
  }

  @Test("The old segment goes, and original offsets stay the names, however often a record moves")
  func again() throws {
    let (spool, record, units) = try openWithFewLeft()
    spool.reduceWith(UnitPayload.reduce)
    try spool.append([0, 0, 0])
    var left = Array(20..<25)
    while left.count > 1 {
      spool.maintain()
      #expect(spool.units(of: record) == left.map(UInt32.init))
      for unit in units[left[0]...left.last!] {
        #expect(
          try spool.read(record, offset: unit.offset + 1, count: unit.bytes.count - 1) == Array(unit.bytes.dropFirst()))
      }
      #expect(throws: SpoolError.self) { try spool.read(record, offset: units[19].offset, count: 1) }
      #expect(throws: SpoolError.self) {
        try spool.read(record, offset: units[left[0]].offset, count: units[left[0]].bytes.count + 1)
      }
      #expect(throws: SpoolError.self) { try spool.readAll(record) }
      let copy = try fixture.crashed().open()
      let replayed = try #require(copy.replayed().first)
      #expect(replayed.units == left.map(UInt32.init) && replayed.record.remainingCount == left.count)
      #expect(UnitPayload.parse(replayed.payload).map(\.bytes) == left.map { units[$0].bytes })
      copy.stop()
      // Its segment fills up and closes.
      record.markDone(left.removeFirst(), count: 1)
      try spool.append([UInt8](repeating: 0, count: 3000)).markAllDone()
      try spool.append([0, 0, 0])
    }
    spool.maintain()
    #expect(!(try fixture.files(".log").contains("0000000000000001.log")))
    record.markAllDone()
    spool.stop()
    let last = try fixture.open()
    #expect(!last.replayed().contains { $0.record.sequence == record.sequence })
    last.stop()
  }

  @Test("Units that become done while their record is moved are neither lost nor back")
  func meanwhile() throws {
    let (spool, record, _) = try openWithFewLeft()
    try spool.append([0, 0, 0])
    spool.reduceWith { payload, moved in
      let reduced = UnitPayload.reduce(payload, moved)
      moved.markDone(21, count: 2)
      return reduced
    }
    spool.maintain()
    #expect(spool.units(of: record) == [20, 21, 22, 23, 24])
    spool.maintain()
    let copy = try fixture.crashed().open()
    let replayed = try #require(copy.replayed().first?.record)
    #expect(replayed.remainingCount == 3 && replayed.isDone(21) && replayed.isDone(22) && !replayed.isDone(23))
    copy.stop()
    record.markAllDone()
    spool.maintain()
    spool.maintain()
    #expect(fixture.value("records") == 1)
    spool.stop()
  }

  @Test("A record that can't be reduced, or not to all that is left, stays", arguments: [0, 1, 2, 3])
  func refused(fault: Int) throws {
    let (spool, record, units) = try openWithFewLeft()
    try spool.append([0, 0, 0])
    spool.reduceWith { payload, record in
      guard var reduced = UnitPayload.reduce(payload, record), fault > 0 else { return nil }
      switch fault {
      case 1: reduced.units.removeLast()
      case 2: reduced.units[0].offset = 1 << 20
      default: reduced.units.append(reduced.units[0])
      }
      return reduced
    }
    for _ in 0..<3 { spool.maintain() }
    #expect(fixture.value("moved_bytes") == 0)
    #expect(try spool.read(record, offset: units[22].offset, count: units[22].bytes.count) == units[22].bytes)
    spool.stop()
    let next = try fixture.open()
    #expect(next.replayed().first?.units == nil)
    next.stop()
  }

  @Test("A process that ends before the old place is given up knows the new one, or if that is damaged the old one")
  func bothPlaces() throws {
    let (spool, _, units) = try openWithFewLeft()
    try spool.append([0, 0, 0])
    spool.maintain()
    spool.reduceWith(UnitPayload.reduce)
    spool.maintain()
    #expect(fixture.value("moved_bytes") > 0)
    let copy = try fixture.crashed()
    spool.stop()
    let sound = try copy.crashed()
    let first = try sound.open()
    #expect(first.replayed().first?.units == [20, 21, 22, 23, 24])
    first.maintain()
    first.maintain()
    #expect(!(try sound.files(".log").contains("0000000000000001.log")))
    first.stop()

    let file = try #require(try copy.files(".log").last)
    var bytes = try copy.bytes(file)
    bytes[bytes.count - 12] ^= 1
    try copy.write(bytes, to: file)
    let second = try copy.open()
    let replayed = try #require(second.replayed().first)
    #expect(replayed.units == nil && UnitPayload.parse(replayed.payload) == units)
    #expect(replayed.record.remainingCount == 5)
    #expect(copy.value("corrupt_records") == 1)
    second.stop()
  }

  @Test("Nothing moves while records wait to be replayed")
  func replayFirst() throws {
    let (spool, _, _) = try openWithFewLeft()
    spool.stop()
    let next = try fixture.open()
    next.reduceWith(UnitPayload.reduce)
    next.maintain()
    #expect(fixture.value("moved_bytes") == 0)
    _ = next.replayed()
    next.maintain()
    #expect(fixture.value("moved_bytes") > 0)
    next.stop()
  }

  @Test("A record that somebody follows stays whole until he has it, also over a restart")
  func followed() throws {
    var spool = try fixture.open()
    var random = SeededGenerator(seed: 5)
    let payload = UnitPayload.random(units: 64, using: &random)
    let first = try spool.append(payload, unitCount: 64, isFollowed: true)
    #expect(first.spanCount == 64 && first.followerUnit == 64 && first.isFollowed)
    try spool.append([UInt8](repeating: 0, count: 3000)).markAllDone()
    try spool.append([0, 0, 0])
    first.markDone(0, count: 63)
    spool.reduceWith(UnitPayload.reduce)
    spool.maintain()
    #expect(spool.units(of: first) == nil)
    first.markDone(63, count: 1)
    spool.maintain()
    #expect(try spool.readAll(first) == payload)
    spool.stop()

    spool = try fixture.open()
    let again = try #require(spool.replayed().first)
    #expect(again.payload == payload && again.record.isFollowed && again.record.remainingCount == 1)
    again.record.markFollowed()
    #expect(!again.record.isFollowed && again.record.remainingCount == 0)
    spool.stop()
    spool = try fixture.open()
    #expect(!spool.replayed().contains { $0.record.sequence == again.record.sequence })
    spool.stop()
  }

  @Test("A record that nobody follows any more can be moved")
  func followedNoMore() throws {
    let spool = try fixture.open()
    var random = SeededGenerator(seed: 6)
    let record = try spool.append(UnitPayload.random(units: 100, using: &random), unitCount: 100, isFollowed: true)
    try spool.append([UInt8](repeating: 0, count: 3000)).markAllDone()
    try spool.append([0, 0, 0])
    record.markDone(0, count: 98)
    spool.reduceWith(UnitPayload.reduce)
    spool.maintain()
    #expect(spool.units(of: record) == nil)
    record.markFollowed()
    spool.maintain()
    #expect(spool.units(of: record) == [98, 99])
    let copy = try fixture.crashed().open()
    let replayed = try #require(copy.replayed().first { $0.record.sequence == record.sequence })
    #expect(!replayed.record.isFollowed && replayed.record.spanCount == 100 && replayed.record.remainingCount == 2)
    copy.stop()
    spool.stop()
  }
}
