import Facts
import OTLP
import TestSupport
import Testing

@Suite struct ScoreRecordTests {
  @Test func `what goes in comes out, record by record`() {
    var random = SeededGenerator(seed: 1)
    for _ in 0..<300 {
      let scores = (0..<Int.random(in: 0..<6, using: &random)).map { _ in Score.random(using: &random) }
      let read = Self.read(scores.flatMap(Self.record))
      #expect(read.isWhole)
      #expect(read.scores == scores)
    }
  }

  /// Byte by byte: what is on disk must be read by later versions.
  @Test func `the format is the documented one`() {
    let score = Score(
      id: "s1", name: "good", number: 1, dataType: .boolean, trace: TraceID(first: 0x0102_0304_0506_0708, second: 9),
      span: 3, comment: "ok", source: .annotation, timestamp: 1_000)
    let head: [UInt8] = [1, 2, 1, 0b0010_0111, 0] + [0xE8, 3, 0, 0, 0, 0, 0, 0]
    let ids: [UInt8] = [8, 7, 6, 5, 4, 3, 2, 1] + [9, 0, 0, 0, 0, 0, 0, 0] + [3, 0, 0, 0, 0, 0, 0, 0]
    let body =
      head + ids + [0, 0, 0, 0, 0, 0, 0xF0, 0x3F] + [2] + Array("s1".utf8) + [4] + Array("good".utf8) + [2]
      + Array("ok".utf8)
    #expect(Self.record(score) == [UInt8(body.count)] + body)
  }

  @Test func `reading stops at damage, and what came before it stays`() {
    var random = SeededGenerator(seed: 2)
    let first = Score.random(using: &random)
    let second = Self.record(Score.random(using: &random))
    for length in 1..<second.count {
      let read = Self.read(Self.record(first) + second.prefix(length))
      #expect(!read.isWhole)
      #expect(read.scores == [first])
    }
  }

  @Test func `bytes left over in a record, text that is not UTF-8 and numbers that are none are damage`() {
    let score = Score(id: "i", name: "n", number: 1, session: "s", timestamp: 5)
    let record = Self.record(score)
    #expect(!Self.read([record[0] + 1] + record.dropFirst() + [0]).isWhole)
    var text = record
    text[text.count - 1] = 0xFF
    #expect(!Self.read(text).isWhole)
    for number in [Double.nan, .infinity] {
      var score = score
      score.number = number
      #expect(Self.read(Self.record(score)).scores.isEmpty)
    }
  }

  @Test func `arbitrary bytes are read or refused`() {
    var random = SeededGenerator(seed: 3)
    for _ in 0..<3_000 {
      let bytes =
        random.once(in: 3) ? random.bytes(60) : Self.record(Score.random(using: &random)).mutated(using: &random)
      let read = Self.read(bytes)
      #expect(Self.read(read.scores.flatMap(Self.record)).scores == read.scores)
    }
  }

  private static func record(_ score: Score) -> [UInt8] {
    var bytes: [UInt8] = []
    ScoreRecord.append(score, to: &bytes)
    return bytes
  }

  /// Of bytes of exactly that size, so that the sanitizer sees a byte too far.
  private static func read(_ bytes: [UInt8]) -> (scores: [Score], isWhole: Bool) {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { memory.deallocate() }
    memory.copyBytes(from: bytes)
    var scores: [Score] = []
    let isWhole = ScoreRecord.forEach(in: UnsafeRawBufferPointer(memory)) { scores.append($0) }
    return (scores, isWhole)
  }
}

extension Score {
  static func random(using random: inout SeededGenerator) -> Score {
    func text(_ random: inout SeededGenerator) -> String {
      String((0..<Int.random(in: 0..<40, using: &random)).map { _ in "aé🙂\"\0\n".randomElement(using: &random)! })
    }
    func maybe<Value>(_ random: inout SeededGenerator, _ make: (inout SeededGenerator) -> Value) -> Value? {
      random.once(in: 2) ? nil : make(&random)
    }
    return Score(
      id: text(&random), name: text(&random), number: maybe(&random) { Double.random(in: -1e9...1e9, using: &$0) },
      label: maybe(&random, text), dataType: DataType.allCases.randomElement(using: &random)!,
      trace: maybe(&random) { TraceID(first: $0.next(), second: $0.next()) }, span: maybe(&random) { $0.next() },
      session: maybe(&random, text), comment: maybe(&random, text),
      source: Source.allCases.randomElement(using: &random)!,
      timestamp: random.next() >> 1, environment: maybe(&random, text), metadata: maybe(&random, text))
  }
}
