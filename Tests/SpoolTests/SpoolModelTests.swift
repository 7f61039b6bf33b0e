import Foundation
import Spool
import TestSupport
import Testing

/// Random work on a spool and on a model of it, over many starts.
@Suite("A spool and its model")
struct SpoolModelTests {
  /// What the spool should know of a record.
  private struct Expected {
    var record: SpoolRecord
    let units: [UnitPayload.Unit]
    var done: Set<UInt32> = []
    /// Units that may not come back, even if the process dies.
    var recorded: Set<UInt32> = []
  }

  private struct World {
    var random: SeededGenerator
    var fixture: SpoolFixture
    var spool: Spool
    var records: [UInt64: Expected] = [:]
    var lastSequence: UInt64 = 0
    var moves = 0

    init(seed: UInt64) throws {
      random = SeededGenerator(seed: seed)
      fixture = SpoolFixture {
        $0.segmentBytes = 6000
        $0.moveBytes = 2000
        // The machine does not stop in this test.
        $0.operations.sync = { _ in 0 }
      }
      spool = try fixture.open()
      spool.reduceWith(UnitPayload.reduce)
    }

    mutating func step() throws {
      switch Int.random(in: 0..<40, using: &random) {
      case 0: try restart()
      case 1: try crash()
      case 2..<6: maintain()
      case 6..<22: try append()
      case 22..<26: try readSome()
      default: finishSome()
      }
    }

    private mutating func append() throws {
      let count = [1, 1, 3, 20, 70, 130].randomElement(using: &random)!
      let payload = UnitPayload.random(units: count, using: &random)
      let record = try spool.append(payload, unitCount: count)
      #expect(record.sequence > lastSequence)
      lastSequence = record.sequence
      records[record.sequence] = Expected(record: record, units: UnitPayload.parse(payload))
    }

    private mutating func finishSome() {
      guard var expected = records.values.randomElement(using: &random) else { return }
      let first = Int.random(in: 0..<expected.units.count, using: &random)
      let count = random.once(in: 3) ? expected.units.count - first : 1
      expected.record.markDone(first, count: count)
      expected.done.formUnion((first..<first + count).map(UInt32.init))
      let sequence = expected.record.sequence
      records[sequence] = expected
      #expect(expected.record.remainingCount == expected.units.count - expected.done.count)
    }

    private mutating func maintain() {
      spool.maintain()
      for sequence in records.keys {
        records[sequence]!.recorded = records[sequence]!.done
        if records[sequence]!.done.count == records[sequence]!.units.count { records[sequence] = nil }
      }
      #expect(fixture.value("records") == records.count)
    }

    private mutating func readSome() throws {
      for _ in 0..<5 {
        guard let expected = records.values.randomElement(using: &random),
          let unit = expected.units.filter({ !expected.done.contains($0.number) }).randomElement(using: &random)
        else { return }
        let skipped = Int.random(in: 0..<unit.bytes.count, using: &random)
        let bytes = try spool.read(expected.record, offset: unit.offset + skipped, count: unit.bytes.count - skipped)
        #expect(bytes == Array(unit.bytes.dropFirst(skipped)))
      }
    }

    private mutating func restart() throws {
      spool.stop()
      #expect(fixture.budget.used == 0)
      for sequence in records.keys { records[sequence]!.recorded = records[sequence]!.done }
      try open(fixture)
    }

    private mutating func crash() throws {
      let copy = try fixture.crashed()
      moves += fixture.value("moved_bytes")
      spool.stop()
      try open(copy)
    }

    private mutating func open(_ next: SpoolFixture) throws {
      fixture = next
      spool = try fixture.open()
      spool.reduceWith(UnitPayload.reduce)
      var last: UInt64 = 0
      var left = records
      for (record, payload, units) in spool.replayed() {
        #expect(record.sequence > last)
        last = record.sequence
        guard let expected = left.removeValue(forKey: record.sequence) else {
          // Something whose end was not recorded before the crash.
          Issue.record("record \(record.sequence) came back")
          continue
        }
        check(record, payload, units, expected)
        var renewed = expected
        renewed.record = record
        renewed.done = Set(expected.units.map(\.number).filter { record.isDone(Int($0)) })
        records[record.sequence] = renewed
      }
      for (sequence, expected) in left {
        #expect(expected.done.count == expected.units.count, "record \(sequence) is lost")
        records[sequence] = nil
      }
      #expect(fixture.value("corrupt_records") == 0)
    }

    private func check(_ record: SpoolRecord, _ payload: [UInt8], _ units: [UInt32]?, _ expected: Expected) {
      let parsed = UnitPayload.parse(payload)
      #expect(parsed.map(\.number) == units ?? expected.units.map(\.number))
      #expect(units == spool.units(of: record))
      for unit in expected.units {
        if expected.recorded.contains(unit.number) { #expect(record.isDone(Int(unit.number))) }
        guard !expected.done.contains(unit.number) else { continue }
        #expect(!record.isDone(Int(unit.number)))
        #expect(parsed.contains { $0.number == unit.number && $0.bytes == unit.bytes })
      }
    }
  }

  @Test("Nothing is lost, nothing that was recorded as done comes back", arguments: 1...UInt64(12))
  func model(seed: UInt64) throws {
    var world = try World(seed: seed)
    for _ in 0..<600 { try world.step() }
    // Chance and the clock may have left moves out so far.
    for _ in 0..<3000 where world.moves + world.fixture.value("moved_bytes") == 0 { try world.step() }
    #expect(world.moves + world.fixture.value("moved_bytes") > 0)
    // In the end everything goes, but the segment that knows the next sequence number.
    for expected in world.records.values { expected.record.markAllDone() }
    for _ in 0..<3 { world.spool.maintain() }
    #expect(world.fixture.value("records") == 0)
    #expect(try world.fixture.files(".log").count == 1)
    world.spool.stop()
  }
}
