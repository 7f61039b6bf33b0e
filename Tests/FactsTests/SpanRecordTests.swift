import Facts
import OTLP
import TestSupport
import Testing

@Suite struct SpanRecordTests {
  @Test func `what goes in comes out, record by record`() {
    var random = SeededGenerator(seed: 1)
    for _ in 0..<300 {
      let facts = (0..<Int.random(in: 0..<6, using: &random)).map { _ in OwnedFacts.random(using: &random) }
      let encoded = facts.map(\.record)
      let read = records(in: encoded.flatMap { $0 })
      #expect(read.isWhole)
      #expect(read.facts == facts)
      #expect(read.ranges.map(\.count) == encoded.map(\.count))
      #expect(read.ranges.first?.lowerBound ?? 0 == 0)
    }
  }

  /// Byte by byte: what is on disk must be read by later versions.
  @Test func `the format is the documented one`() {
    var facts = OwnedFacts()
    facts.spanID = 0x0102_0304_0506_0708
    facts.parentID = 0x1112_1314_1516_1718
    facts.start = 1_000
    facts.end = 1_300
    facts.kind = .llm
    facts.flags = [.hasParent, .isError]
    facts.tokens.input = 200
    facts.cost = 5
    facts.name = Array("chat".utf8)
    facts.model = Array("gpt".utf8)
    let head: [UInt8] =
      [1, 1, 9, 0b1000_0011, 0b0000_0010] + [8, 7, 6, 5, 4, 3, 2, 1] + [0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11]
      + [0xE8, 3, 0, 0, 0, 0, 0, 0] + [0xAC, 2] + [0xC8, 1] + [5] + [4, 3]
    let body = head + Array("chatgpt".utf8)
    #expect(facts.record == [UInt8(body.count)] + body)
  }

  @Test func `a span that says little takes few bytes`() {
    var facts = OwnedFacts()
    facts.start = 1_790_000_000_000_000_000
    facts.end = facts.start + 1_200_000_000
    facts.parentID = 2
    facts.name = Array("search".utf8)
    #expect(facts.record.count <= 48)
  }

  @Test func `an end before the start counts as the start`() {
    var facts = OwnedFacts()
    facts.start = 1_000
    facts.end = 10
    #expect(records(in: facts.record).facts.map(\.end) == [1_000])
  }

  @Test func `reading stops at damage, and what came before it stays`() {
    var random = SeededGenerator(seed: 2)
    let first = OwnedFacts.random(using: &random)
    let second = OwnedFacts.random(using: &random).record
    for length in 1..<second.count {
      let read = records(in: first.record + second.prefix(length))
      #expect(!read.isWhole)
      #expect(read.facts == [first])
    }
    var other = second
    // The version stands behind a length of one or two bytes.
    let version = other.firstIndex { $0 < 0x80 }! + 1
    other[version] = 2
    #expect(!records(in: other).isWhole)
    other[version] = 1
    other[version + 1] = 200
    #expect(!records(in: other).isWhole)
  }

  @Test func `bytes left over in a record are damage`() {
    var facts = OwnedFacts()
    facts.name = Array("a".utf8)
    var record = facts.record
    record[0] += 1
    #expect(!records(in: record + [0]).isWhole)
  }

  @Test func `an end beyond all time is damage`() {
    var facts = OwnedFacts()
    facts.start = .max - 10
    facts.end = .max
    var record = facts.record
    #expect(records(in: record).facts.map(\.end) == [.max])
    let duration = 1 + 1 + 1 + 1 + 2 + 8 + 8
    #expect(record[duration] == 10)
    record[duration] = 11
    #expect(!records(in: record).isWhole)
  }

  /// Whatever the bytes are: no read outside of them, which the sanitizer sees, and what is read can be written again.
  @Test func `arbitrary bytes are read or refused`() {
    var random = SeededGenerator(seed: 3)
    for _ in 0..<1_000 {
      let sound = (0..<3).flatMap { _ in OwnedFacts.random(using: &random).record.prefix(400) }
      let bytes = random.once(in: 4) ? random.bytes(60) : sound.mutated(using: &random)
      let read = records(in: bytes)
      for (facts, range) in zip(read.facts, read.ranges) {
        #expect(range.upperBound <= bytes.count)
        #expect(records(in: facts.record).facts == [facts])
      }
    }
  }
}
