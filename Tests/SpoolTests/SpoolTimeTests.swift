import Locks
import Spool
import Testing

@Suite("A spool's clocks")
struct SpoolTimeTests {
  private static let second: UInt64 = 1_000_000_000
  private static let year = 365 * 86_400 * second

  private final class Clocks: Sendable {
    let now = Locked<UInt64>(10 * year)
    let wall = Locked<UInt64>(50 * year)

    func time(boot: UInt64) -> SpoolTime {
      SpoolTime(
        now: { [now] in now.withLock { $0 } }, wall: { [wall] in wall.withLock { $0 } },
        bootID: SpoolBootID(high: boot, low: 1))
    }
  }

  /// How long ago a request was accepted that is accepted, then `downtime` passes on the clocks.
  private func age(boots: (UInt64, UInt64), now: UInt64, wall: UInt64) throws -> UInt64 {
    let clocks = Clocks()
    let fixture = SpoolFixture { $0.time = clocks.time(boot: boots.0) }
    let first = try fixture.open()
    // Some time after the segment was begun.
    clocks.now.withLock { $0 += 5 * Self.second }
    clocks.wall.withLock { $0 += 5 * Self.second }
    try first.append([1])
    first.stop()
    clocks.now.withLock { $0 = now }
    clocks.wall.withLock { $0 = wall }
    fixture.configure = { $0.time = clocks.time(boot: boots.1) }
    let second = try fixture.open()
    let record = try #require(second.replayed().first?.record)
    #expect(record.arrival <= now)
    let age = now - record.arrival
    second.stop()
    return age
  }

  @Test("Within one start of the machine, arrival stays")
  func sameBoot() throws {
    let age = try age(boots: (1, 1), now: 10 * Self.year + 65 * Self.second, wall: 3)
    #expect(age == 60 * Self.second)
  }

  @Test("After another start, the wall clock tells how long it was")
  func otherBoot() throws {
    let age = try age(boots: (1, 2), now: 10 * Self.year + 7, wall: 50 * Self.year + 65 * Self.second)
    #expect(age == 60 * Self.second)
  }

  @Test("A wall clock that can't be right counts as no time", arguments: [0, 49 * year, 60 * year, UInt64.max])
  func wrongClock(wall: UInt64) throws {
    #expect(try age(boots: (1, 2), now: 10 * Self.year, wall: wall) == 0)
  }

  @Test("Nobody knowing the start, the wall clock tells")
  func unknownBoot() throws {
    let unknown = try age(boots: (0, 0), now: 10 * Self.year, wall: 50 * Self.year + 15 * Self.second)
    #expect(unknown == 10 * Self.second || unknown == 0)
  }

  @Test("A moved record keeps its time over starts")
  func moved() throws {
    let clocks = Clocks()
    let fixture = SpoolFixture {
      $0.time = clocks.time(boot: 1)
      $0.segmentBytes = 100
    }
    let first = try fixture.open()
    first.reduceWith(UnitPayload.reduce)
    let record = try first.append((0..<10).flatMap { [3, $0, 0, 1, 2, 3] }, unitCount: 10)
    record.markDone(1, count: 9)
    try first.append([0, 0, 0])
    clocks.now.withLock { $0 += 100 * Self.second }
    clocks.wall.withLock { $0 += 100 * Self.second }
    first.maintain()
    #expect(fixture.value("moved_bytes") > 0)
    first.stop()
    clocks.now.withLock { $0 = 10 * Self.year }
    clocks.wall.withLock { $0 += 100 * Self.second }
    fixture.configure = { $0.time = clocks.time(boot: 2) }
    let second = try fixture.open()
    let replayed = try #require(second.replayed().first)
    #expect(replayed.units == [0])
    #expect(10 * Self.year - replayed.record.arrival == 200 * Self.second)
    second.stop()
  }
}
