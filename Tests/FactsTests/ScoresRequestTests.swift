import Facts
import JSON
import OTLP
import TestSupport
import Testing

/// Scores as Langfuse's SDKs post them.
@Suite struct ScoresRequestTests {
  private static let traceID = "0af7651916cd43dd8448eb211c80319c"

  @Test func `a list, with all that a score can say`() throws {
    let request = try Self.read(
      """
      [{"id": "s-1", "traceId": "\(Self.traceID)", "observationId": "B7AD6B7169203331", "name": "accuracy",
        "value": 0.92, "dataType": "NUMERIC", "comment": "nearly", "environment": "default", "source": "API",
        "timestamp": "2026-11-21T09:30:00.123456Z", "metadata": {"judge": ["a", 1]}, "queueId": null}]
      """)
    #expect(request.shape == .list && request.faultCount == 0)
    let score = try #require(request.scores.first)
    #expect(score.id == "s-1" && score.name == "accuracy" && score.number == 0.92 && score.label == nil)
    #expect(score.trace?.hexadecimal == Self.traceID)
    #expect(score.span.map(TraceID.hexadecimal) == "b7ad6b7169203331")
    #expect(score.dataType == .numeric && score.source == .api && score.session == nil)
    #expect(score.comment == "nearly" && score.environment == "default")
    #expect(score.timestamp == 1_795_253_400_123_456_000)
    #expect(score.metadata == #"{"judge":["a",1]}"#)
  }

  @Test(
    arguments: [
      (#""value": 3"#, 3, nil, Score.DataType.numeric), (#""value": -1e3"#, -1_000, nil, .numeric),
      (#""value": 1.0, "dataType": "BOOLEAN""#, 1, nil, .boolean), (#""value": true"#, 1, nil, .boolean),
      (#""value": false, "dataType": "NUMERIC""#, 0, nil, .numeric),
      (#""value": "good""#, nil, "good", .categorical),
      (#""value": "good", "dataType": "CATEGORICAL""#, nil, "good", .categorical),
      (#""value": "some sentences", "dataType": "TEXT""#, nil, "some sentences", .text),
      (#""value": "", "dataType": "CORRECTION""#, nil, "", .correction),
      (#""value": 18446744073709551615"#, 18_446_744_073_709_551_616, nil, .numeric),
    ] as [(String, Double?, String?, Score.DataType)])
  func `values of every type`(value: String, number: Double?, label: String?, type: Score.DataType) throws {
    let score = try #require(try Self.read(Self.score(value)).scores.first)
    #expect(score.number == number && score.label == label && score.dataType == type)
  }

  @Test(arguments: [
    (#""value": "0.9", "dataType": "NUMERIC""#, "number"), (#""value": 2, "dataType": "BOOLEAN""#, "0 or 1"),
    (#""value": "true", "dataType": "BOOLEAN""#, "number"), (#""value": 1, "dataType": "CATEGORICAL""#, "text"),
    (#""value": true, "dataType": "TEXT""#, "text"), (#""value": """#, "empty"), (#""value": null"#, "value"),
    (#""value": [1]"#, "text"), (#""value": {}"#, "text"), (#""value": 1, "dataType": "numeric""#, "dataType"),
    (#""value": 1, "dataType": 3"#, "dataType"), (#""value": 1, "source": "EVAL""#, "source"),
    (#""value": 1, "source": 1"#, "source"), (#""value": 1, "comment": 5"#, "comment"),
    (#""value": 1, "id": 5"#, "id"), (#""value": 1, "environment": []"#, "environment"),
    (#""value": 1, "timestamp": 5"#, "timestamp"), (#""value": 1, "timestamp": "yesterday""#, "timestamp"),
    (#""value": 1, "timestamp": "1969-12-31T23:59:59Z""#, "timestamp"),
    (#""value": 1, "timestamp": "2026-11-21T09:30:00""#, "timestamp"),
    (#""value": 1, "timestamp": "9999-11-21T09:30:00Z""#, "timestamp"),
    (#""value": 1, "sessionId": "s""#, "not both"), (#""value": 1, "datasetRunId": "r""#, "dataset"),
    (#""value": 1, "observationId": "b7ad""#, "observationId"),
    (#""value": 1, "observationId": "0000000000000000""#, "observationId"),
    (#""value": 1, "observationId": 7"#, "observationId"),
  ])
  func `what cannot be used is told`(members: String, word: String) throws {
    let request = try Self.read("[\(Self.score(members)), \(Self.score(#""value": 1"#))]")
    #expect(request.scores.count == 1 && request.faultCount == 1)
    #expect(request.faults.first?.position == 0)
    #expect(request.faults.first?.message.contains(word) == true, "\(request.faults)")
  }

  @Test(arguments: [
    #"{"value": 1, "traceId": "0af7651916cd43dd8448eb211c80319c"}"#, #"{"name": "a", "value": 1}"#,
    #"{"name": "", "value": 1, "sessionId": "s"}"#, #"{"name": 5, "value": 1, "sessionId": "s"}"#,
    #"{"name": "a", "value": 1, "sessionId": ""}"#, #"{"name": "a", "value": 1, "sessionId": 5}"#,
    #"{"name": "a", "value": 1, "traceId": "00000000000000000000000000000000"}"#,
    #"{"name": "a", "value": 1, "traceId": "0af7651916cd43dd8448eb211c80319"}"#,
    #"{"name": "a", "value": 1, "traceId": "0af7651916cd43dd8448eb211c80319g"}"#,
    #"{"name": "a", "value": 1, "traceId": "cdef-1234-5678-90ab"}"#,
    #"{"name": "a", "value": 1, "sessionId": "s", "observationId": "b7ad6b7169203331"}"#, "5", #""text""#, "null", "[]",
  ])
  func `a score without a name, or about nothing, is none`(score: String) throws {
    let request = try Self.read("[\(score)]")
    #expect(request.scores.isEmpty && request.faultCount == 1)
  }

  @Test func `names, texts and metadata have a limit`() throws {
    func isTaken(_ key: String, _ count: Int) throws -> Bool {
      let text = String(repeating: "x", count: count)
      let members = ["name": "n", "value": "v", "sessionId": "s"].merging([key: text]) { $1 }
      return try !Self.read("[{\(members.map { "\"\($0)\": \"\($1)\"" }.joined(separator: ","))}]").scores.isEmpty
    }
    for key in ["name", "id", "sessionId", "environment"] {
      #expect(try isTaken(key, 500))
      #expect(try !isTaken(key, 501))
    }
    for key in ["comment", "value"] {
      #expect(try isTaken(key, 65_536))
      #expect(try !isTaken(key, 65_537))
    }
    #expect(try isTaken("metadata", 65_000))
    #expect(try !isTaken("metadata", 65_536))
  }

  @Test func `a score without an id has that of its like`() throws {
    let one = try #require(try Self.read(Self.score(#""value": 1"#)).scores.first)
    let other = try #require(try Self.read(Self.score(#""value": 5, "comment": "again", "id": """#)).scores.first)
    #expect(one.id == "api/\(Self.traceID)/n" && one.id == other.id)
    #expect(try Self.read(#"{"name": "n", "value": 1, "sessionId": "s"}"#).scores.first?.id == "api/session s/n")
  }

  @Test func `a score without a time is of now`() throws {
    #expect(try Self.read(Self.score(#""value": 1"#)).scores.first?.timestamp == 77)
    let offset = try Self.read(Self.score(#""value": 1, "timestamp": "2026-11-21T10:30:00+01:00""#))
    #expect(offset.scores.first?.timestamp == 1_795_253_400_000_000_000)
  }

  @Test func `metadata that is no object is a member of one`() throws {
    for (metadata, expected) in [
      (#""text""#, #"{"metadata":"text"}"#), ("[1, 2]", #"{"metadata":[1,2]}"#), ("{}", "{}"), ("null", nil),
    ] {
      #expect(try Self.read(Self.score(#""value": 1, "metadata": \#(metadata)"#)).scores.first?.metadata == expected)
    }
  }

  @Test func `one score alone`() throws {
    let request = try Self.read(Self.score(#""value": 1, "source": "ANNOTATION""#))
    #expect(request.shape == .one && request.scores.first?.source == .annotation)
  }

  @Test func `a batch of events, as older SDKs send them`() throws {
    let request = try Self.read(
      """
      {"batch": [
        {"id": "e-1", "type": "score-create", "timestamp": "2026-11-21T09:30:00Z", "body": \(Self.score(#""value": 1"#))},
        {"id": "e-2", "type": "trace-create", "timestamp": "2026-11-21T09:30:00Z", "body": {}},
        {"id": "e-3", "type": "score-create", "body": \(Self.score(#""value": 2, "timestamp": "2026-11-21T09:30:01Z""#))},
        {"id": "e-4", "type": "score-create"}, {"type": "score-create", "body": 5}, 7
      ], "metadata": {"sdk_name": "python"}}
      """)
    #expect(request.shape == .batch && request.events == ["e-1", "e-3"])
    #expect(request.scores.map(\.timestamp) == [1_795_253_400_000_000_000, 1_795_253_401_000_000_000])
    #expect(request.faults.map(\.event) == ["e-2", "e-4", "", ""] && request.faultCount == 4)
  }

  @Test(arguments: [
    "", "x", "5", "null", "\"a\"", "[", "{}}", #"[{"name": NaN}]"#, #"{"batch": 5}"#, "[1e999]", "[\"\u{1}\"]",
  ])
  func `what is no such request is refused`(body: String) {
    #expect(throws: ScoresRequest.Malformed.self) { try Self.read(body) }
  }

  @Test func `what is wrong is told a hundred times, and counted to the end`() throws {
    let request = try Self.read("[\(String(repeating: "0,", count: 4_999))0]")
    #expect(request.faults.count == 100 && request.faultCount == 5_000)
  }

  @Test func `text is Unicode, whatever its escapes`() throws {
    let score = try #require(
      try Self.read(##"{"name": "é\u0000\ud83d\ude42", "value": 1, "sessionId": "\u00df"}"##).scores.first)
    #expect(score.name == "é\0🙂" && score.session == "ß")
  }

  private static func score(_ members: String) -> String { #"{"name": "n", "traceId": "\#(traceID)", \#(members)}"# }

  private static func read(_ json: String) throws -> ScoresRequest {
    try Array(json.utf8).withUnsafeBytes { try ScoresRequest($0, with: JSONDocument(), now: 77) }
  }
}
