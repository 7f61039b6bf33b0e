import EndUser
import Facts
import OTLP
import TestSupport
import Testing

/// Scores that come with spans: evaluations as events, OpenInference's feedback as attributes.
@Suite struct SpanScoreTests {
  private static let trace = TraceID(first: 0, second: UInt64(1).bigEndian)
  private static let span = UInt64(7).bigEndian

  // MARK: Events

  @Test func `an evaluation is about the span that has the event`() throws {
    let scores = try Self.scores(events: [
      Event(
        time: 90,
        [
          "gen_ai.evaluation.name": "Relevance", "gen_ai.evaluation.score.value": .double(0.75),
          "gen_ai.evaluation.score.label": "relevant", "gen_ai.evaluation.explanation": "answers the question",
          "gen_ai.response.id": "chatcmpl-1",
        ])
    ])
    let id = "evaluation/00000000000000000000000000000001/0000000000000007/Relevance"
    #expect(
      scores == [
        Score(
          id: id, name: "Relevance", number: 0.75, label: "relevant", trace: Self.trace, span: Self.span,
          comment: "answers the question", source: .evaluation, timestamp: 90,
          metadata: #"{"gen_ai.response.id":"chatcmpl-1"}"#)
      ])
  }

  @Test(arguments: [
    (StubValue.int(4), 4, Score.DataType.numeric), (.double(-0.5), -0.5, .numeric), (.bool(true), 1, .boolean),
    (.bool(false), 0, .boolean),
  ])
  func `values of every kind`(value: StubValue, number: Double, type: Score.DataType) throws {
    let score = try #require(try Self.evaluation(["gen_ai.evaluation.score.value": value]))
    #expect(score.number == number && score.dataType == type && score.label == nil)
  }

  @Test func `a label alone is a category`() throws {
    let score = try #require(try Self.evaluation(["gen_ai.evaluation.score.label": "pass"]))
    #expect(score.number == nil && score.label == "pass" && score.dataType == .categorical)
  }

  @Test(
    arguments: [
      [:], ["gen_ai.evaluation.score.value": .double(.nan)], ["gen_ai.evaluation.score.value": .double(.infinity)],
      ["gen_ai.evaluation.score.value": "0.5"], ["gen_ai.evaluation.score.value": .array([1])],
      ["gen_ai.evaluation.score.value": .empty], ["gen_ai.evaluation.score.label": ""],
      ["gen_ai.evaluation.score.label": 3], ["gen_ai.evaluation.explanation": "no more than that"],
    ] as [[String: StubValue]])
  func `what says no value is no score`(attributes: [String: StubValue]) throws {
    #expect(try Self.evaluation(attributes) == nil)
  }

  @Test func `one without a name, or with one that is none, is no score`() throws {
    let value: [String: StubValue] = ["gen_ai.evaluation.score.value": 1]
    for name in [StubValue.empty, "", 5, .string(String(repeating: "n", count: 501))] {
      #expect(try Self.evaluation(value, name: name) == nil)
    }
    #expect(try Self.scores(events: [Event(value)]).isEmpty)
    #expect(try Self.evaluation(value, name: .string(String(repeating: "n", count: 500))) != nil)
  }

  @Test func `of several events each counts, and others are nobody's scores`() throws {
    var exception = Event(["gen_ai.evaluation.name": "x", "gen_ai.evaluation.score.value": 1])
    exception.name = "exception"
    let scores = try Self.scores(events: [
      exception, Self.event("a", 1), Self.event("b", 2), Self.event("a", 3), Event([:]),
    ])
    #expect(scores.map(\.name) == ["a", "b", "a"])
    // A redelivery, and a later verdict, replace what was there.
    #expect(scores[0].id == scores[2].id && scores[0].id != scores[1].id)
  }

  @Test func `an event without a time is of the span's end`() throws {
    #expect(try Self.scores(events: [Self.event("a", 1)]).map(\.timestamp) == [1_500])
    #expect(try Self.scores(events: [Self.event("a", 1, time: .max)]).map(\.timestamp) == [UInt64(Int64.max)])
  }

  @Test func `texts are cut between characters`() throws {
    let long = String(repeating: "é", count: 40_000)
    let score = try #require(
      try Self.evaluation(["gen_ai.evaluation.score.value": 1, "gen_ai.evaluation.explanation": .string(long)]))
    #expect(score.comment?.utf8.count == Score.mostTextBytes)
    #expect(score.comment?.allSatisfy { $0 == "é" } == true)
  }

  @Test func `nobody who wants none pays for scores`() throws {
    #expect(try Self.scores(events: [Self.event("a", 1)], readsScores: false).isEmpty)
  }

  // MARK: OpenInference

  @Test func `annotations and evaluations of a span`() throws {
    let scores = try Self.scores([
      "annotations.0.annotation.name": "tone", "annotations.0.annotation.score": .double(0.5),
      "annotations.0.annotation.label": "dry", "annotations.0.annotation.explanation": "no smile",
      "annotations.0.annotation.annotator_kind": "HUMAN", "annotations.0.annotation.identifier": "ada",
      "annotations.0.annotation.metadata": #"{"team": "red"}"#,
      "annotations.1.annotation.name": "tone", "annotations.1.annotation.label": "fine",
      "annotations.1.annotation.annotator_kind": "LLM",
      "evaluations.0.evaluation.name": "exact", "evaluations.0.evaluation.score": 1,
    ])
    let place = "00000000000000000000000000000001/0000000000000007"
    #expect(
      scores == [
        Score(
          id: "annotation/\(place)/by ada/tone", name: "tone", number: 0.5, label: "dry", trace: Self.trace,
          span: Self.span, comment: "no smile", source: .annotation, timestamp: 1_500,
          metadata: #"{"annotator_kind":"HUMAN","team":"red"}"#),
        Score(
          id: "evaluation/\(place)/tone", name: "tone", label: "fine", dataType: .categorical, trace: Self.trace,
          span: Self.span, source: .evaluation, timestamp: 1_500, metadata: #"{"annotator_kind":"LLM"}"#),
        Score(
          id: "evaluation/\(place)/exact", name: "exact", number: 1, trace: Self.trace, span: Self.span,
          source: .evaluation, timestamp: 1_500),
      ])
  }

  @Test func `those of the trace and of the session say so`() throws {
    let attributes: KeyValuePairs<String, StubValue> = [
      "session.id": "s-1", "trace.annotations.0.annotation.name": "a", "trace.annotations.0.annotation.score": 1,
      "session.evaluations.3.evaluation.name": "b", "session.evaluations.3.evaluation.score": 2,
    ]
    let scores = try Self.scores(attributes)
    #expect(scores.map(\.trace) == [Self.trace, nil])
    #expect(scores.map(\.span) == [nil, nil])
    #expect(scores.map(\.session) == [nil, "s-1"])
    #expect(scores.map(\.source) == [.annotation, .evaluation])
  }

  @Test func `one of a session that the span does not name is about its trace`() throws {
    let scores = try Self.scores([
      "session.annotations.0.annotation.name": "a", "session.annotations.0.annotation.score": 1,
    ])
    #expect(scores.map(\.trace) == [Self.trace] && scores.map(\.session) == [nil])
  }

  @Test(arguments: [
    "annotations.annotation.name", "annotations.0.name", "annotations.x.annotation.name",
    "annotations..annotation.name",
    "annotations.0", "annotations.", "annotations.9999999999.annotation.name", "annotations.0.annotation.",
    "annotations.-1.annotation.name", "annotations",
  ])
  func `keys that are nearly theirs are nobody's`(key: String) throws {
    #expect(try Self.scores([key: "n", "annotations.0.annotation.score": 1]).isEmpty)
  }

  @Test func `metadata that is no object is a member of one`() throws {
    let scores = try Self.scores([
      "annotations.0.annotation.name": "a", "annotations.0.annotation.score": 1,
      "annotations.0.annotation.metadata": "[1",
    ])
    #expect(scores.map(\.metadata) == [#"{"metadata":"[1"}"#])
  }

  @Test func `a span has so many, and no more`() throws {
    var span = SpanStub(7)
    for number in 0..<500 {
      span.attributes.append(StubAttribute("annotations.\(number).annotation.name", .string("n\(number)")))
      span.attributes.append(StubAttribute("annotations.\(number).annotation.score", 1))
    }
    #expect(try Self.scores(of: span).count == 128)
  }

  @Test func `spans don't get what others said`() throws {
    let first = SpanStub(7, ["annotations.0.annotation.name": "a", "annotations.0.annotation.score": 1])
    let (rules, request) = (SpanRules(), SpanStub.request([first, SpanStub(8), SpanStub(9)]))
    var extractor = FactsExtractor(plan: FactsPlan(EndUserConfiguration(), rules: rules, readsScores: true))
    let batch = try IndexedRequest(request, rules: rules).batch
    let counts = (0..<3).map { position in
      extractor.extract(batch, at: position) { _ in }
      return extractor.scores.count
    }
    #expect(counts == [1, 0, 0])
  }

  // MARK: Helpers

  private struct Event {
    var name = "gen_ai.evaluation.result"
    var time: UInt64
    var attributes: [String: StubValue]

    init(time: UInt64 = 0, _ attributes: [String: StubValue]) {
      (self.time, self.attributes) = (time, attributes)
    }
  }

  private static func event(_ name: String, _ value: Int64, time: UInt64 = 0) -> Event {
    Event(time: time, ["gen_ai.evaluation.name": .string(name), "gen_ai.evaluation.score.value": .int(value)])
  }

  private static func evaluation(_ attributes: [String: StubValue], name: StubValue = "a") throws -> Score? {
    try scores(events: [Event(attributes.merging(["gen_ai.evaluation.name": name]) { $1 })]).first
  }

  private static func scores(events: [Event], readsScores: Bool = true) throws -> [Score] {
    var span = SpanStub(7)
    span.extra = ProtobufWriter.message { message in
      for event in events {
        message.messageField(11) { field in
          if event.time != 0 { field.fixed64Field(1, event.time) }
          field.stringField(2, event.name)
          for (key, value) in event.attributes.sorted(by: { $0.key < $1.key }) {
            field.messageField(3) { StubAttribute(key, value).write(to: &$0) }
          }
        }
        // What stands between events is none.
        message.varintField(10, 3)
      }
    }
    return try scores(of: span, readsScores: readsScores)
  }

  private static func scores(_ attributes: KeyValuePairs<String, StubValue>) throws -> [Score] {
    try scores(of: SpanStub(7, attributes))
  }

  private static func scores(of span: SpanStub, readsScores: Bool = true) throws -> [Score] {
    let rules = SpanRules()
    var extractor = FactsExtractor(plan: FactsPlan(EndUserConfiguration(), rules: rules, readsScores: readsScores))
    let batch = try IndexedRequest(SpanStub.request([span]), rules: rules).batch
    extractor.extract(batch, at: 0) { _ in }
    return extractor.scores
  }
}
