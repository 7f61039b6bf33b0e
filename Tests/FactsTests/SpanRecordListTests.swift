import Facts
import OTLP
import TestSupport
import Testing

/// Records of which none says what the one before it says, too.
@Suite struct SpanRecordListTests {
  /// Spans of which many say what those before them say.
  private static func spans(_ count: Int, using random: inout SeededGenerator) -> [OwnedFacts] {
    var spans: [OwnedFacts] = []
    for _ in 0..<count {
      var facts = OwnedFacts.random(using: &random)
      if let last = spans.last {
        for (text, _) in OwnedFacts.texts where !random.once(in: 3) { facts[keyPath: text] = last[keyPath: text] }
        if random.once(in: 2) { facts.parentID = last.parentID }
        if random.once(in: 2) {
          let duration = facts.end - facts.start
          facts.start = last.start &+ UInt64.random(in: 0...2_000_000, using: &random) &- 1_000_000
          facts.end = max(facts.start, facts.start &+ duration)
        }
      }
      spans.append(facts)
    }
    return spans
  }

  private static func list(_ spans: some Sequence<OwnedFacts>) -> [UInt8] {
    var writer = SpanRecordWriter()
    var bytes: [UInt8] = []
    for facts in spans { facts.withFacts { writer.append($0, to: &bytes) } }
    return bytes
  }

  @Test func `what goes in comes out, of lists behind one another, too`() {
    var random = SeededGenerator(seed: 11)
    for _ in 0..<300 {
      let lists = (0..<3).map { _ in Self.spans(Int.random(in: 0..<8, using: &random), using: &random) }
      let read = records(in: lists.flatMap { Self.list($0) })
      #expect(read.isWhole)
      #expect(read.facts == lists.flatMap { $0 })
    }
  }

  @Test func `records that do not stand directly behind one another are read as well`() {
    var random = SeededGenerator(seed: 12)
    for _ in 0..<100 {
      let spans = Self.spans(6, using: &random)
      let bytes = Self.list(spans)
      let ranges = records(in: bytes).ranges
      var reader = SpanRecordReader()
      var read: [OwnedFacts] = []
      bytes.withUnsafeBytes { bytes in
        for range in ranges {
          reader.read(UnsafeRawBufferPointer(rebasing: bytes[range])) { read.append(OwnedFacts($0)) }
        }
      }
      #expect(read == spans)
    }
  }

  /// Byte by byte: what is on disk must be read by later versions.
  @Test func `the format is the documented one`() {
    var facts = OwnedFacts()
    facts.spanID = 1
    facts.parentID = 9
    facts.start = 1_000
    facts.end = 1_000
    facts.name = Array("chat".utf8)
    facts.model = Array("gpt".utf8)
    facts.endUser = Array("ada".utf8)
    facts.claims = [7]
    var next = facts
    next.spanID = 2
    next.start = 999
    next.end = 1_001
    next.name = Array("call".utf8)
    next.claims = [8]
    var last = next
    last.spanID = 3
    last.parentID = 0
    last.end = 999
    last.endUser = []
    let first = facts.record
    let second: [UInt8] =
      [4, 0, 0] + [0, 0] + [2, 0, 0, 0, 0, 0, 0, 0] + [0b001_0101] + [1] + [2] + [4, 1] + Array("call".utf8) + [8]
    let third: [UInt8] = [3, 0, 0] + [0, 0] + [3, 0, 0, 0, 0, 0, 0, 0] + [0b1000_0110, 0b1000] + [0] + [0]
    #expect(
      Self.list([facts, next, last]) == first + [UInt8(second.count)] + second + [UInt8(third.count)] + third)
  }

  @Test func `what spans have in common takes few bytes`() {
    var facts = OwnedFacts()
    facts.parentID = 2
    facts.start = 1_790_000_000_000_000_000
    facts.end = facts.start + 1_200_000_000
    for (text, _) in OwnedFacts.texts { facts[keyPath: text] = [UInt8](repeating: 7, count: 100) }
    var next = facts
    next.spanID = 3
    next.start += 1_000_000
    next.end = next.start
    #expect(Self.list([facts, next]).count - facts.record.count <= 24)
  }

  @Test func `a record that repeats what is not there is damage`() throws {
    var random = SeededGenerator(seed: 13)
    let spans = Self.spans(2, using: &random)
    let bytes = Self.list(spans)
    let second = records(in: bytes).ranges[1]
    #expect(!records(in: Array(bytes[second])).isWhole)
  }

  @Test func `fields that nobody knows to repeat are damage`() {
    let facts = OwnedFacts()
    var bytes = Self.list([facts, facts])
    let second = records(in: bytes).ranges[1]
    let repeats = second.lowerBound + 1 + 1 + 1 + 1 + 2 + 8
    #expect(bytes[repeats] == 0)
    for unknown in [[0x80, 0x10], [0xFF, 0xFF, 3]] as [[UInt8]] {
      var changed = bytes
      changed.replaceSubrange(repeats...repeats, with: unknown)
      changed[second.lowerBound] += UInt8(unknown.count - 1)
      #expect(records(in: changed).facts == [facts])
    }
    // One byte longer than it need be says the same.
    bytes.replaceSubrange(repeats...repeats, with: [0x80, 0])
    bytes[second.lowerBound] += 1
    #expect(records(in: bytes).facts == [facts, facts])
  }

  /// Whatever the bytes are: no read outside of them, which the sanitizer sees, and what is read can be written again.
  @Test func `arbitrary bytes are read or refused`() {
    var random = SeededGenerator(seed: 14)
    for _ in 0..<1_000 {
      let bytes = Array(Self.list(Self.spans(4, using: &random)).prefix(600)).mutated(using: &random)
      let read = records(in: bytes)
      #expect(records(in: Self.list(read.facts)).facts == read.facts)
    }
  }
}
