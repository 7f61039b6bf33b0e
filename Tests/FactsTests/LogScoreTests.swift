import Facts
import OTLP
import TestSupport
import Testing

/// `gen_ai.evaluation.result` as a log record.
@Suite struct LogScoreTests {
  private static let trace = SpanStub(trace: 1, 1).traceIDBytes
  private static let attributes: [String: StubValue] = [
    "gen_ai.evaluation.name": "helpful", "gen_ai.evaluation.score.value": .double(0.5),
  ]

  @Test func `an evaluation is about the span that the record names`() throws {
    let score = try #require(
      try Self.score { record in
        record.fixed64Field(1, 77)
        record.stringField(12, "gen_ai.evaluation.result")
        record.bytesField(9, Self.trace)
        record.bytesField(10, SpanStub.idBytes(7))
      })
    #expect(score.id == "evaluation/00000000000000000000000000000001/0000000000000007/helpful")
    #expect(score.number == 0.5 && score.timestamp == 77 && score.source == .evaluation)
    #expect(score.trace?.hexadecimal == "00000000000000000000000000000001")
  }

  @Test func `the event's name may be an attribute`() throws {
    let score = try Self.score(Self.attributes.merging(["event.name": "gen_ai.evaluation.result"]) { $1 }) {
      $0.bytesField(9, Self.trace)
    }
    #expect(score?.name == "helpful")
    #expect(score?.span == nil)
  }

  @Test func `one without a trace is about its session, or none`() throws {
    for key in ["session.id", "gen_ai.conversation.id"] {
      let score = try Self.score(Self.attributes.merging([key: "s-1"]) { $1 }) { record in
        record.stringField(12, "gen_ai.evaluation.result")
        // A span without a trace is none.
        record.bytesField(10, SpanStub.idBytes(7))
      }
      #expect(score?.session == "s-1" && score?.trace == nil && score?.span == nil)
      #expect(score?.id == "evaluation/session s-1/helpful")
    }
    #expect(try Self.score { $0.stringField(12, "gen_ai.evaluation.result") } == nil)
  }

  @Test func `the time it was observed, and then now, stand for the time of the event`() throws {
    func time(_ write: (inout ProtobufWriter) -> Void) throws -> UInt64? {
      try Self.score {
        $0.stringField(12, "gen_ai.evaluation.result")
        $0.bytesField(9, Self.trace)
        write(&$0)
      }?.timestamp
    }
    #expect(try time { $0.fixed64Field(11, 88) } == 88)
    #expect(try time { _ in } == 99)
  }

  @Test func `other records are no scores`() throws {
    for name in ["gen_ai.evaluation.resul", "gen_ai.evaluation.results", "other", ""] {
      let score = try Self.score {
        $0.stringField(12, name)
        $0.bytesField(9, Self.trace)
      }
      #expect(score == nil)
    }
    #expect(try Self.score(["body": "x"]) { $0.stringField(12, "gen_ai.evaluation.result") } == nil)
  }

  private static func score(
    _ attributes: [String: StubValue] = attributes, _ write: (inout ProtobufWriter) -> Void
  ) throws -> Score? {
    let record = ProtobufWriter.message { record in
      for (key, value) in attributes.sorted(by: { $0.key < $1.key }) {
        record.messageField(6) { StubAttribute(key, value).write(to: &$0) }
      }
      write(&record)
    }
    let request = ProtobufWriter.message { request in
      request.messageField(1) { $0.messageField(2) { $0.bytesField(2, record) } }
    }
    let rules = SpanRules()
    let scores = LogScores(rules: rules)
    return try request.withUnsafeBytes { bytes in
      let index = SpanIndex()
      try index.fill(from: bytes, signal: .logs, rules: rules)
      let batch = SpanBatch(bytes: bytes, index: index, interner: ScopeInterner()) { _ in }
      #expect(batch.spanCount == 1)
      return scores.score(batch, at: 0, now: 99)
    }
  }
}
