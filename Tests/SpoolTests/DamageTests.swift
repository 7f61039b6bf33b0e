import Foundation
import Locks
@testable import Spool
import TestSupport
import Testing

/// What a disk or a crash does to the files.
@Suite("Damaged spools")
struct DamageTests {
  private let fixture = SpoolFixture {
    $0.segmentBytes = 3000
    $0.operations.sync = { _ in 0 }
  }

  /// Payloads by sequence number, and where in which file their records end; a third is done and recorded.
  private struct Written {
    var payloads: [UInt64: [UInt8]] = [:]
    var done: Set<UInt64> = []
    var ends: [UInt64: (file: String, start: Int, end: Int)] = [:]
  }

  private func write(_ random: inout SeededGenerator) throws -> Written {
    let spool = try fixture.open()
    var written = Written()
    for _ in 0..<40 {
      let payload = random.bytes(.random(in: 0..<400, using: &random))
      let sizes = try sizes()
      let record = try spool.append(payload, unitCount: 3)
      let file = try #require(try fixture.files(".log").last)
      written.payloads[record.sequence] = payload
      let end = try fixture.bytes(file).count - Self.endMark
      written.ends[record.sequence] = (file, sizes[file] ?? 64, end)
      if random.once(in: 3) {
        record.markAllDone()
        written.done.insert(record.sequence)
      }
    }
    spool.stop()
    return written
  }

  /// Bytes behind the last record.
  private static let endMark = 8

  private func sizes() throws -> [String: Int] {
    var sizes: [String: Int] = [:]
    for file in try fixture.files(".log") { sizes[file] = try fixture.bytes(file).count - Self.endMark }
    return sizes
  }

  /// Opens a spool with one file changed. Returns the payloads by sequence number.
  private func replay(_ bytes: [UInt8], as file: String, _ written: Written) throws -> [UInt64: [UInt8]] {
    let copy = try fixture.crashed()
    try copy.write(bytes, to: file)
    let spool = try copy.open()
    var all: [UInt64: [UInt8]] = [:]
    for (record, payload, _) in spool.replayed() {
      #expect(all.updateValue(payload, forKey: record.sequence) == nil)
      #expect(payload == written.payloads[record.sequence], "another payload for record \(record.sequence)")
    }
    // Numbers go on, and new records live beside the damage.
    let next = try spool.append([1, 2, 3], unitCount: 1)
    #expect(all.keys.allSatisfy { $0 < next.sequence })
    spool.stop()
    return all
  }

  @Test("A flipped bit costs at most the record it is in", arguments: 1...UInt64(4))
  func bits(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let written = try write(&random)
    let live = Set(written.payloads.keys).subtracting(written.done)
    for _ in 0..<60 {
      let file = try #require(try fixture.files(".log").randomElement(using: &random))
      var bytes = try fixture.bytes(file)
      let place = bytes.indices.randomElement(using: &random)!
      bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      let all = try replay(bytes, as: file, written)
      let hit = written.ends.filter { $0.value.file == file && $0.value.start..<$0.value.end ~= place }.map(\.key)
      #expect(live.subtracting(hit).subtracting(all.keys).isEmpty)
      #expect(written.done.intersection(all.keys).isEmpty)
    }
  }

  @Test("What is whole before a cut comes back", arguments: 5...UInt64(8))
  func cuts(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let written = try write(&random)
    let live = Set(written.payloads.keys).subtracting(written.done)
    for _ in 0..<60 {
      let file = try #require(try fixture.files(".log").randomElement(using: &random))
      let bytes = try fixture.bytes(file)
      let length = Int.random(in: 0...bytes.count, using: &random)
      // Some file systems note a length before the bytes.
      let rest = random.once(in: 3) ? [UInt8](repeating: 0, count: bytes.count - length) : []
      let all = try replay(Array(bytes[..<length]) + rest, as: file, written)
      let cut = written.ends.filter { $0.value.file == file && $0.value.end > length }.map(\.key)
      #expect(live.subtracting(cut).subtracting(all.keys).isEmpty)
      #expect(written.done.intersection(all.keys).isEmpty)
    }
  }

  @Test("Files changed in every way give no wrong payload", arguments: 9...UInt64(12))
  func mutations(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let written = try write(&random)
    for _ in 0..<80 {
      let file = try #require(try (fixture.files(".log") + fixture.files(".done")).randomElement(using: &random))
      var bytes = try fixture.bytes(file)
      for _ in 0..<3 { bytes = bytes.mutated(using: &random) }
      _ = try replay(bytes, as: file, written)
    }
  }

  @Test("A damaged done file brings records back, at worst, and costs none")
  func doneFiles() throws {
    var random = SeededGenerator(seed: 13)
    let written = try write(&random)
    let live = Set(written.payloads.keys).subtracting(written.done)
    for _ in 0..<60 {
      let file = try #require(try fixture.files(".done").randomElement(using: &random))
      let all = try replay(try fixture.bytes(file).mutated(using: &random), as: file, written)
      #expect(live.isSubset(of: all.keys))
    }
  }

  @Test("A damaged payload is counted and done; the next start knows it no more")
  func payload() throws {
    let first = try fixture.open()
    for number in 0..<3 { try first.append([UInt8](repeating: UInt8(number), count: 100)) }
    first.stop()
    let file = try fixture.files(".log")[0]
    var bytes = try fixture.bytes(file)
    bytes[64 + 160 + 56 + 50] ^= 1
    try fixture.write(bytes, to: file)
    let second = try fixture.open()
    #expect(second.replayCount == 3)
    #expect(second.replayed().map(\.payload[0]) == [0, 2])
    #expect(second.replayCount == 0)
    #expect(fixture.value("corrupt_records") == 1)
    second.stop()
    let third = try fixture.open()
    #expect(third.replayed().map(\.payload[0]) == [0, 2])
    #expect(fixture.value("corrupt_records") == 1)
    third.stop()
  }

  @Test("A file of another format version is named, and stays", arguments: [".log", ".done"])
  func version(suffix: String) throws {
    let first = try fixture.open()
    let record = try first.append([1], unitCount: 2)
    record.markDone(0, count: 1)
    first.stop()
    let file = try fixture.files(suffix)[0]
    var bytes = try fixture.bytes(file)
    bytes[4] = 2
    bytes.replaceSubrange(60..<64, with: withUnsafeBytes(of: Array(bytes[..<60]).checksum().littleEndian, Array.init))
    try fixture.write(bytes, to: file)
    let error = #expect(throws: SpoolError.self) { try fixture.open() }
    #expect(try #require(error).description.contains(file) && error!.description.contains("version 2"))
    #expect(try fixture.bytes(file) == bytes)
  }

  @Test("A file that Heirloom never wrote is left alone")
  func foreign() throws {
    let letter = Array(String(repeating: "Dear reader, ", count: 100).utf8)
    try fixture.open().stop()
    try fixture.write(letter, to: "0000000000000007.log")
    let spool = try fixture.open()
    try spool.append([1]).markAllDone()
    spool.maintain()
    spool.stop()
    #expect(try fixture.bytes("0000000000000007.log") == letter)
    #expect(fixture.lines.withLock { $0.contains { $0.contains("left alone") } })
  }

  @Test("What looks like a record inside a payload is none")
  func forged() throws {
    let first = try fixture.open()
    try first.append([UInt8](repeating: 7, count: 64))
    first.stop()
    // A whole log with a sound record, sent by somebody who has seen one.
    let log = try fixture.bytes(try fixture.files(".log")[0])
    let other = SpoolFixture()
    let second = try other.open()
    try second.append(log)
    try second.append([8])
    second.stop()
    let file = try other.files(".log")[0]
    var bytes = try other.bytes(file)
    bytes[64 + 20] ^= 1
    try other.write(bytes, to: file)
    let third = try other.open()
    #expect(third.replayed().map(\.payload) == [[8]])
    third.stop()
  }
}
