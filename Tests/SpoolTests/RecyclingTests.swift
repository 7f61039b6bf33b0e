import Foundation
import Glibc
import Locks
@testable import Spool
import TestSupport
import Testing

/// Files of segments that are done and written over, and what a stop at any moment makes of them.
@Suite("Files that are written over")
struct RecyclingTests {
  /// Sees what happens to the files, so that a test can have them as a stop of the process or of the machine leaves them.
  private final class Disk: @unchecked Sendable {
    // Sendable: each test uses it from one thread.
    /// Called in the middle of a write, and before a sync.
    var interrupt: (() -> Void)?
    /// How many of so many bytes are there in the middle of a write.
    var split: (Int) -> Int = { $0 }
    /// The directory and its files' names, as they are surely on the disk.
    private var names: [String: UInt64] = [:]
    /// What is surely on the disk of each file, by inode. The descriptors keep inodes from being used again.
    private var contents: [UInt64: [UInt8]] = [:]
    private var kept: [UInt64: Int32] = [:]
    var directory = ""

    deinit { for descriptor in kept.values { close(descriptor) } }

    var operations: FileOperations {
      FileOperations(write: { [unowned self] in write($0, $1, $2, $3) }, sync: { [unowned self] in sync($0) })
    }

    private func write(_ descriptor: Int32, _ parts: UnsafePointer<iovec>, _ count: Int32, _ offset: Int) -> Int {
      guard let interrupt else { return pwritev(descriptor, parts, count, offset) }
      let bytes = (0..<Int(count)).flatMap { part in
        [UInt8](UnsafeRawBufferPointer(start: parts[part].iov_base, count: parts[part].iov_len))
      }
      _ = pwrite(descriptor, bytes, split(bytes.count), offset)
      interrupt()
      return pwrite(descriptor, bytes, bytes.count, offset)
    }

    private func sync(_ descriptor: Int32) -> Int32 {
      interrupt?()
      var status = stat()
      fstat(descriptor, &status)
      if status.st_mode & S_IFMT == S_IFDIR {
        names = currentNames()
      } else {
        // The spool may have it open for writing only.
        let inode = keep(descriptor)
        contents[inode] = kept[inode].map(Self.content)
      }
      return 0
    }

    private func currentNames() -> [String: UInt64] {
      var names: [String: UInt64] = [:]
      for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] {
        let descriptor = open(directory + "/" + name, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { continue }
        names[name] = keep(descriptor)
        close(descriptor)
      }
      return names
    }

    private func keep(_ descriptor: Int32) -> UInt64 {
      var status = stat()
      fstat(descriptor, &status)
      let inode = UInt64(status.st_ino)
      if kept[inode] == nil { kept[inode] = open("/proc/self/fd/\(descriptor)", O_RDONLY | O_CLOEXEC) }
      return inode
    }

    private static func content(of descriptor: Int32) -> [UInt8] {
      var status = stat()
      fstat(descriptor, &status)
      return [UInt8](unsafeUninitializedCapacity: Int(status.st_size)) { buffer, count in
        count = max(0, pread(descriptor, buffer.baseAddress, buffer.count, 0))
      }
    }

    /// Files as a loss of power may leave them: names as they were at the last sync or are now, and of what was written since
    /// a file's last sync some sectors.
    func withoutPower(to target: SpoolFixture, using random: inout SeededGenerator) throws {
      try FileManager.default.createDirectory(atPath: target.directory, withIntermediateDirectories: true)
      let now = currentNames()
      let left = random.once(in: 2) ? names : now
      for (name, inode) in left where name != "lock" {
        guard let descriptor = kept[inode] else { continue }
        let old = contents[inode] ?? []
        let new = Self.content(of: descriptor)
        var bytes = random.once(in: 2) ? new : old
        for sector in stride(from: 0, to: bytes.count, by: 512) {
          let source = random.once(in: 2) ? new : old
          for place in sector..<min(sector + 512, bytes.count) {
            bytes[place] = place < source.count ? source[place] : 0
          }
        }
        try target.write(bytes, to: name)
      }
    }
  }

  private struct Known {
    let record: SpoolRecord
    let units: [UnitPayload.Unit]
    var done: Set<UInt32> = []
    /// Done at the last time when everything was brought to the disk.
    var recorded: Set<UInt32> = []
    var isSynced = false
  }

  private final class World {
    var random: SeededGenerator
    let disk = Disk()
    let fixture: SpoolFixture
    let moves: Bool
    var spool: Spool
    /// All that there ever was.
    var records: [UInt64: Known] = [:]
    /// What is being appended.
    var coming: [UnitPayload.Unit]?
    var recycled: Set<String> = []

    init(seed: UInt64) throws {
      random = SeededGenerator(seed: seed)
      moves = seed % 2 == 0
      let disk = disk
      fixture = SpoolFixture {
        $0.segmentBytes = 3000
        $0.operations = disk.operations
      }
      disk.directory = fixture.directory
      spool = try fixture.open()
      if moves { spool.reduceWith(UnitPayload.reduce) }
    }

    func append() throws {
      let count = [1, 1, 3, 20].randomElement(using: &random)!
      let payload = UnitPayload.random(units: count, using: &random)
      coming = UnitPayload.parse(payload)
      let record = try spool.append(payload, unitCount: count)
      coming = nil
      #expect(records[record.sequence] == nil)
      records[record.sequence] = Known(record: record, units: UnitPayload.parse(payload))
    }

    func finishSome() {
      let open = records.filter { $0.value.done.count < $0.value.units.count }.keys.sorted()
      guard let sequence = (random.once(in: 3) ? open.randomElement(using: &random) : open.first),
        var known = records[sequence]
      else { return }
      let first = random.once(in: 3) ? Int.random(in: 0..<known.units.count, using: &random) : 0
      known.record.markDone(first, count: known.units.count - first)
      known.done.formUnion((first..<known.units.count).map(UInt32.init))
      records[sequence] = known
    }

    func maintain() {
      spool.maintain()
      for sequence in records.keys {
        records[sequence]!.recorded = records[sequence]!.done
        records[sequence]!.isSynced = true
      }
    }

    /// Whether the process stops or the machine, at the next write or sync.
    func interruptNext(afterPower: Bool) {
      disk.split = { [unowned self] count in Int.random(in: 0...count, using: &random) }
      var calls = Int.random(in: 0..<4, using: &random)
      disk.interrupt = { [unowned self] in
        calls -= 1
        guard calls < 0 else { return }
        disk.interrupt = nil
        do { try check(afterPower: afterPower) } catch { Issue.record("\(error)") }
      }
    }

    func check(afterPower: Bool) throws {
      let copy: SpoolFixture
      if afterPower {
        copy = SpoolFixture()
        try disk.withoutPower(to: copy, using: &random)
      } else {
        copy = try fixture.crashed()
      }
      copy.configure = { $0.segmentBytes = 3000 }
      let reopened = try copy.open()
      defer { reopened.stop() }
      var left = records
      for (record, payload, units) in reopened.replayed() {
        let units = units ?? (0..<UInt32(record.unitCount)).map { $0 }
        let parsed = UnitPayload.parse(payload)
        #expect(parsed.map(\.number) == units)
        guard let known = left.removeValue(forKey: record.sequence) else {
          #expect(parsed == coming, "record \(record.sequence) was never written")
          continue
        }
        for unit in parsed {
          #expect(known.units.contains { $0.number == unit.number && $0.bytes == unit.bytes })
        }
        for unit in known.units where !known.done.contains(unit.number) {
          #expect(!record.isDone(Int(unit.number)) && units.contains(unit.number))
        }
        #expect(known.recorded.allSatisfy { record.isDone(Int($0)) })
        #expect(known.recorded.count < known.units.count, "record \(record.sequence) came back")
      }
      for (sequence, known) in left where known.isSynced || !afterPower {
        #expect(known.done.count == known.units.count, "record \(sequence) is lost")
      }
      if !afterPower && !moves { #expect(copy.value("corrupt_records") == 0) }
      // What comes next is called as nothing before.
      let next = try reopened.append([1, 2, 3, 4, 5])
      #expect(records.values.allSatisfy { !($0.isSynced || !afterPower) || $0.record.sequence < next.sequence })
    }

    func noteRecycling() throws {
      recycled.formUnion(try fixture.files(".spare"))
    }
  }

  @Test(
    "Whenever the process or the machine stops, nothing is lost and nothing old comes back", arguments: 1...UInt64(10))
  func model(seed: UInt64) throws {
    let world = try World(seed: seed)
    for _ in 0..<500 {
      switch Int.random(in: 0..<20, using: &world.random) {
      case 0..<2: world.maintain()
      case 2: try world.check(afterPower: false)
      case 3: try world.check(afterPower: true)
      case 4: world.interruptNext(afterPower: world.random.once(in: 2))
      case 5..<11: try world.append()
      default: world.finishSome()
      }
      try world.noteRecycling()
    }
    world.disk.interrupt = nil
    #expect(world.recycled.count > 3)
    world.spool.stop()
    #expect(world.fixture.budget.used == 0)
    #expect(try world.fixture.files(".spare").isEmpty)
  }

  @Test("Spare files take a small part of the space, and none when it is short")
  func share() throws {
    let fixture = SpoolFixture { $0.segmentBytes = 10_000 }
    fixture.budget = SpoolBudget(maxBytes: 400_000)
    let spool = try fixture.open()
    func finishSegments() throws {
      for _ in 0..<10 { try spool.append([UInt8](repeating: 1, count: 9_990)).markAllDone() }
      spool.maintain()
    }
    try finishSegments()
    #expect(try fixture.files(".spare").count == 2)
    #expect(fixture.budget.used < 40_000)
    let kept = try (0..<20).map { try spool.append([UInt8](repeating: UInt8($0), count: 9_990)) }
    try finishSegments()
    #expect(try fixture.files(".spare").isEmpty)
    for record in kept { record.markAllDone() }
    spool.stop()
    #expect(fixture.budget.used == 0)
  }

  @Test("A segment that cannot be begun is begun when the system lets it again")
  func noDescriptor() throws {
    let fixture = SpoolFixture { $0.segmentBytes = 1000 }
    let spool = try fixture.open()
    for _ in 0..<6 { try spool.append([UInt8](repeating: 1, count: 990)).markAllDone() }
    spool.maintain()
    let spares = try fixture.files(".spare")
    #expect(!spares.isEmpty)
    // A directory of that name cannot be opened for writing.
    for spare in spares {
      try FileManager.default.removeItem(atPath: fixture.directory + "/" + spare)
      try FileManager.default.createDirectory(
        atPath: fixture.directory + "/" + spare, withIntermediateDirectories: false)
    }
    var refused = 0
    var last: UInt64 = 0
    for _ in 0..<20 {
      do {
        let record = try spool.append([UInt8](repeating: 2, count: 990))
        #expect(record.sequence > last)
        last = record.sequence
      } catch { refused += 1 }
      spool.maintain()
    }
    #expect(refused > 0 && refused < 12)
    #expect(spool.refusal == nil)
    spool.stop()
  }

  @Test("A file whose header did not reach the disk has its own requests, and none of those that it had before")
  func lostHeader() throws {
    let fixture = SpoolFixture { $0.segmentBytes = 5000 }
    let spool = try fixture.open()
    let records = try (0..<8).map { try spool.append([UInt8](repeating: UInt8($0), count: 600)) }
    spool.stop()
    let names = try fixture.files(".log")
    #expect(names.count == 1)
    var bytes = try fixture.bytes(names[0])
    bytes.replaceSubrange(0..<512, with: [UInt8](repeating: 0, count: 512))

    for (name, expected) in [(names[0], Array(records.dropFirst().map(\.sequence))), ("0000000000000077.log", [])] {
      let copy = SpoolFixture()
      try FileManager.default.createDirectory(atPath: copy.directory, withIntermediateDirectories: true)
      try copy.write(bytes, to: name)
      let reopened = try copy.open()
      #expect(reopened.replayed().map(\.record.sequence) == expected)
      reopened.stop()
    }
  }

  @Test("A file with a number that none could follow is left alone, and nothing is named after it")
  func hugeNumber() throws {
    let fixture = SpoolFixture()
    try FileManager.default.createDirectory(atPath: fixture.directory, withIntermediateDirectories: true)
    try fixture.write([1, 2, 3], to: "9999999999999999.log")
    let spool = try fixture.open()
    let records = try (0..<3).map { try spool.append([UInt8($0)]) }
    spool.stop()
    #expect(try fixture.files(".log").count == 2)
    let reopened = try fixture.open()
    #expect(reopened.replayed().map(\.record.sequence) == records.map(\.sequence))
    #expect(try fixture.bytes("9999999999999999.log") == [1, 2, 3])
    reopened.stop()
  }
}
