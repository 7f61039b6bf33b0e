import Foundation
import Glibc
import Locks
import SelfTelemetry
import Spool
import TestSupport
import Testing

@Suite("A journal")
struct JournalTests {
  private static let lifetime: UInt64 = 1_000_000_000_000

  private let fixture = SpoolFixture()

  private func open(_ change: (inout Journal.Configuration) -> Void = { _ in }) throws -> Journal {
    var configuration = Journal.Configuration(directory: fixture.directory, lifetime: Self.lifetime)
    change(&configuration)
    return try Journal(configuration, budget: fixture.budget, log: fixture.log, registry: fixture.registry, labels: [])
  }

  private func append(_ entries: [[UInt8]], to journal: Journal) {
    for entry in entries { entry.withUnsafeBytes { journal.append($0) } }
  }

  private func replayed(_ journal: Journal) -> [[UInt8]] {
    var entries: [[UInt8]] = []
    journal.replay { entry, _ in entries.append(Array(entry)) }
    return entries
  }

  @Test("Entries come back in their order, over several files and starts")
  func order() throws {
    var random = SeededGenerator(seed: 1)
    var all: [[UInt8]] = []
    for _ in 0..<4 {
      let journal = try open { $0.segmentBytes = 2000 }
      #expect(replayed(journal) == all)
      for _ in 0..<20 {
        let entries = (0..<5).map { _ in random.bytes(.random(in: 0..<50, using: &random)) }
        append(entries, to: journal)
        journal.flush()
        all += entries
      }
      journal.close()
      #expect(fixture.budget.used == 0)
    }
    #expect(try fixture.files(".journal").count > 4)
  }

  @Test("What was flushed survives the process, what was only appended does not")
  func flush() throws {
    let journal = try open()
    append([[1], [2]], to: journal)
    journal.flush()
    append([[3]], to: journal)
    let copy = try fixture.crashed()
    let other = try Journal(
      Journal.Configuration(directory: copy.directory, lifetime: Self.lifetime), budget: copy.budget, log: copy.log,
      registry: copy.registry, labels: [])
    #expect(replayed(other) == [[1], [2]])
    journal.close()
    #expect(fixture.budget.used == 0)
  }

  @Test("The oldest go when there are too many")
  func tooMany() throws {
    let journal = try open {
      $0.segmentBytes = 1000
      $0.maxBytes = 5000
    }
    for number in 0..<200 {
      append([[UInt8](repeating: UInt8(number), count: 100)], to: journal)
      journal.flush()
      #expect(fixture.value("bytes") <= 6200)
    }
    journal.close()
    let left = replayed(try open()).map { Int($0[0]) }
    #expect(left.count > 20 && left == Array(200 - left.count..<200))
  }

  @Test("The oldest go when they are too old")
  func tooOld() throws {
    let now = Locked(10 * Self.lifetime)
    let time = SpoolTime(
      now: { now.withLock { $0 } }, wall: { now.withLock { $0 } }, bootID: SpoolBootID(high: 1, low: 1))
    let first = try open { $0.time = time }
    append([[1]], to: first)
    first.close()
    now.withLock { $0 += Self.lifetime }
    let second = try open { $0.time = time }
    var times: [UInt64] = []
    second.replay { times.append($1) }
    #expect(times == [10 * Self.lifetime])
    append([[2]], to: second)
    second.flush()
    #expect(try fixture.files(".journal").count == 2)
    now.withLock { $0 += 1 }
    second.flush()
    #expect(try fixture.files(".journal").count == 1)
    second.close()
    #expect(replayed(try open { $0.time = time }) == [[2]])
  }

  @Test("Damage costs what it hits")
  func damage() throws {
    var random = SeededGenerator(seed: 2)
    let journal = try open()
    let entries = (0..<50).map { [UInt8($0)] + random.bytes(20) }
    append(entries, to: journal)
    journal.close()
    let file = try fixture.files(".journal")[0]
    let bytes = try fixture.bytes(file)
    for round in 0..<200 {
      var changed = bytes
      if round % 3 == 0 {
        changed.removeSubrange(Int.random(in: 64..<changed.count, using: &random)...)
      } else {
        changed[Int.random(in: 64..<changed.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      }
      try fixture.write(changed, to: file)
      let journal = try open()
      let left = replayed(journal)
      #expect(left.allSatisfy { entries[Int($0[0])] == $0 })
      if round % 3 != 0 { #expect(left.count >= entries.count - 1) }
      #expect(left.map { $0[0] } == left.map { $0[0] }.sorted())
      append([[99]], to: journal)
      journal.close()
      for newer in try fixture.files(".journal").dropFirst() {
        try FileManager.default.removeItem(atPath: fixture.directory + "/" + newer)
      }
    }
  }

  @Test("What the disk refuses is kept and written later, up to a limit")
  func full() throws {
    let isFull = Locked(false)
    let operations = FileOperations(
      write: { descriptor, parts, count, offset in
        guard isFull.withLock({ $0 }) else { return FileOperations.system.write(descriptor, parts, count, offset) }
        errno = ENOSPC
        return -1
      }, sync: { _ in 0 })
    let journal = try open {
      $0.operations = operations
      $0.maxPendingBytes = 1000
    }
    append([[1]], to: journal)
    journal.flush()
    isFull.withLock { $0 = true }
    for number in 2..<5 {
      append([[UInt8(number)]], to: journal)
      journal.flush()
    }
    isFull.withLock { $0 = false }
    journal.flush()
    isFull.withLock { $0 = true }
    append([[UInt8](repeating: 5, count: 2000)], to: journal)
    journal.flush()
    isFull.withLock { $0 = false }
    append([[6]], to: journal)
    journal.close()
    #expect(fixture.lines.withLock { $0.filter { $0.contains("cannot write a journal") }.count } == 2)
    #expect(replayed(try open()) == [[1], [2], [3], [4], [6]])
  }

  @Test("Many threads append")
  func threads() throws {
    let journal = try open()
    let threads = (0..<4).map { thread in
      BackgroundThread(name: "test") {
        for number in 0..<200 {
          [UInt8(thread), UInt8(number)].withUnsafeBytes { journal.append($0) }
          if number % 20 == 0 { journal.flush() }
          if number % 90 == 0 { journal.sync() }
        }
      }
    }
    for thread in threads { thread.join() }
    journal.close()
    let all = replayed(try open())
    for thread in 0..<4 { #expect(all.filter { Int($0[0]) == thread }.map { Int($0[1]) } == Array(0..<200)) }
  }
}
