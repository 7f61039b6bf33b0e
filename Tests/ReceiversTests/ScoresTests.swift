import Authentication
import Facts
import OTLP
import Pipeline
@testable import Receivers
import TestSupport
import Testing

/// The ledger as a test plays it.
private final class StubScores: ScoresConsumer {
  let taken = Collected<[Score]>()
  let pending = Collected<@Sendable (Refusal?) -> Void>()
  let refusal: Refusal?
  private let answer: Refusal?
  private let waits: Bool

  init(refusal: Refusal? = nil, answer: Refusal? = nil, waits: Bool = false) {
    self.refusal = refusal
    self.answer = answer
    self.waits = waits
  }

  func take(_ scores: [Score], completion: @escaping @Sendable (Refusal?) -> Void) {
    taken.append(scores)
    if waits { pending.append(completion) } else { completion(answer) }
  }
}

/// Scores that are posted to a receiver.
struct ScoresTests {
  private static let path = "/api/public/scores"
  private static let json = "Content-Type: application/json"
  private static let one = #"{"id": "s1", "name": "n", "value": 1, "sessionId": "s"}"#
  private static let busy = Refusal(message: "the ledger is behind", retryAfter: 7)

  @Test func `a list is accepted when the ledger has it`() throws {
    let scores = StubScores()
    try Self.withScores(scores) { receiver in
      let reply = try Self.post(receiver, "[\(Self.one), \(Self.one)]")
      #expect(reply.status == 202)
      #expect(reply.headers["content-type"] == "application/json")
      #expect(reply.text == #"{"message":"Accepted"}"#)
      #expect(scores.taken.all.map { $0.map(\.id) } == [["s1", "s1"]])
      #expect(receiver.metric("heirloom_receiver_accepted_scores") == 2)
      #expect(receiver.requests == 1 && receiver.refusedRequests == 0)
    }
  }

  @Test func `nobody hears of success before the ledger has it`() throws {
    let scores = StubScores(waits: true)
    try Self.withScores(scores) { receiver in
      let client = try receiver.client()
      try client.send("POST", Self.path, headers: [Self.json], body: Array("[\(Self.one)]".utf8))
      let answer = try #require(scores.pending.wait(count: 1).first)
      #expect(receiver.metric("heirloom_receiver_accepted_scores") == 0)
      answer(nil)
      #expect(try client.receive().status == 202)
    }
  }

  @Test func `of a list that is good in part, the good part is taken`() throws {
    let scores = StubScores()
    try Self.withScores(scores) { receiver in
      let reply = try Self.post(receiver, #"[{"name": "n"}, \#(Self.one), 5]"#)
      #expect(reply.status == 207)
      #expect(
        reply.text
          == #"{"accepted":1,"rejected":2,"errors":[{"message":"score 0: a score needs a traceId or a sessionId"},"#
          + #"{"message":"score 2: a score is an object"}]}"#)
      #expect(scores.taken.all.map(\.count) == [1])
      #expect(receiver.metric("heirloom_receiver_refused_scores") == 2)
    }
  }

  @Test func `a list of nothing good does not reach the ledger`() throws {
    let scores = StubScores()
    try Self.withScores(scores) { receiver throws in
      #expect(try Self.post(receiver, "[5]").text.hasPrefix(#"{"accepted":0,"rejected":1,"#))
      #expect(try Self.post(receiver, "[]").status == 202)
      #expect(scores.taken.all.isEmpty)
    }
  }

  @Test func `one score gets its id back, or what is wrong with it`() throws {
    try Self.withScores(StubScores()) { receiver in
      let reply = try Self.post(receiver, Self.one)
      #expect(reply.status == 200 && reply.text == #"{"id":"s1"}"#)
      let refused = try Self.post(receiver, #"{"name": "n", "sessionId": "s"}"#)
      #expect(refused.status == 400 && refused.text == #"{"code":3,"message":"a score needs a value"}"#)
      #expect(receiver.refusedRequests == 1)
    }
  }

  @Test func `a batch is answered event by event`() throws {
    let scores = StubScores()
    try Self.withScores(scores) { receiver in
      let body =
        #"{"batch": [{"id": "e1", "type": "score-create", "body": \#(Self.one)}, {"id": "e\"2", "type": "trace-create"}]}"#
      let reply = try Self.post(receiver, body, path: "/api/public/ingestion")
      #expect(reply.status == 207)
      #expect(
        reply.text == #"{"successes":[{"id":"e1","status":201}],"errors":[{"id":"e\"2","status":400,"#
          + #""message":"only events of the type score-create are taken here; traces are sent by OTLP"}]}"#)
      #expect(scores.taken.all.map(\.count) == [1])
    }
  }

  @Test(arguments: ["", "x", "5", "[{]"])
  func `what is no JSON, or no scores, is refused`(body: String) throws {
    let scores = StubScores()
    try Self.withScores(scores) { receiver in
      let reply = try Self.post(receiver, body)
      #expect(reply.status == 400 && reply.text.hasPrefix(#"{"code":3,"message":""#))
      #expect(reply.headers["content-type"] == "application/json")
      #expect(scores.taken.all.isEmpty && receiver.refusedRequests == 1)
    }
  }

  @Test func `bodies are compressed like all others`() throws {
    let scores = StubScores()
    try Self.withScores(scores) { receiver in
      let client = try receiver.client()
      let body = gzip(Array("[\(Self.one)]".utf8))
      try client.send("POST", Self.path, headers: [Self.json, "Content-Encoding: gzip"], body: body)
      #expect(try client.receive().status == 202)
      try client.send("POST", Self.path, headers: [Self.json, "Content-Encoding: gzip"], body: Array(body.dropLast(9)))
      #expect(try client.receive().status == 400)
      #expect(scores.taken.all.count == 1)
    }
  }

  @Test func `bodies of scores have a limit of their own, as sent and inflated`() throws {
    let scores = StubScores()
    try Self.withScores(scores, configure: { $0.maxScoresBodySize = 200 }) { receiver in
      let long = Array("[\(Self.one)\(String(repeating: " ", count: 300))]".utf8)
      for (body, headers) in [(long, [Self.json]), (gzip(long), [Self.json, "Content-Encoding: gzip"])] {
        let client = try receiver.client()
        try client.send("POST", Self.path, headers: headers, body: body)
        let reply = try client.receive()
        #expect(reply.status == 413)
        #expect(reply.text.contains("max_scores_body_size") && reply.headers["content-type"] == "application/json")
      }
      #expect(try Self.post(receiver, "[\(Self.one)]").status == 202)
      // That of others is as it was.
      #expect(try receiver.client().exchange(request(spans: 20, padding: 50)).status == 200)
      #expect(scores.taken.all.count == 1)
    }
  }

  @Test(arguments: ["GET", "DELETE", "PUT"])
  func `scores are posted, and nothing else`(method: String) throws {
    try Self.withScores(StubScores()) { receiver in
      let client = try receiver.client()
      try client.send(method, Self.path, headers: [Self.json], body: [])
      let reply = try client.receive()
      #expect(reply.status == 405 && reply.headers["allow"] == "POST")
      #expect(reply.headers["content-type"] == "application/json")
    }
  }

  @Test(arguments: ["Content-Type: application/x-protobuf", "Content-Type: text/plain", "X: y"])
  func `scores are JSON`(header: String) throws {
    try Self.withScores(StubScores()) { receiver in
      let client = try receiver.client()
      try client.send("POST", Self.path, headers: [header], body: Array("[]".utf8))
      let reply = try client.receive()
      #expect(reply.status == 415 && reply.headers["accept"] == "application/json")
      #expect(reply.text.hasPrefix(#"{"code":3,"#))
    }
  }

  @Test func `without a ledger there is nobody to take scores, and it is said`() throws {
    try Self.withScores(nil) { receiver in
      for path in [Self.path, "/api/public/ingestion"] {
        let reply = try Self.post(receiver, "[]", path: path)
        #expect(reply.status == 404 && reply.text.contains("ledger"))
      }
    }
  }

  @Test func `a ledger that takes none is asked before the body, and again after it`() throws {
    for scores in [StubScores(refusal: Self.busy), StubScores(answer: Self.busy)] {
      try Self.withScores(scores) { receiver in
        let reply = try Self.post(receiver, "[\(Self.one)]")
        #expect(reply.status == 503 && reply.headers["retry-after"] == "7")
        #expect(reply.text == #"{"code":14,"message":"the ledger is behind"}"#)
        #expect(receiver.metric("heirloom_receiver_accepted_scores") == 0 && receiver.refusedRequests == 1)
      }
    }
  }

  @Test func `only who may send may score`() throws {
    var duties = Doorkeeper.Duties()
    var keys = APIKeyAuthenticator.Configuration()
    keys.header = "x-api-key"
    keys.keys = [.init(key: "sesame", tenant: nil)]
    duties.authenticator = APIKeyAuthenticator(keys)
    let scores = StubScores()
    try Self.withScores(scores, duties: duties) { receiver in
      let refused = try Self.post(receiver, "[\(Self.one)]")
      #expect(refused.status == 401 && refused.headers["content-type"] == "application/json")
      let client = try receiver.client()
      try client.send("POST", Self.path, headers: [Self.json, "x-api-key: sesame"], body: Array("[\(Self.one)]".utf8))
      #expect(try client.receive().status == 202)
      #expect(scores.taken.all.count == 1)
    }
  }

  @Test func `the path may be another, or none`() throws {
    try Self.withScores(StubScores(), configure: { $0.scoresURLPath = "/scores" }) { receiver throws in
      #expect(try Self.post(receiver, "[]", path: "/scores").status == 202)
      #expect(try Self.post(receiver, "[]").status == 404)
    }
    try Self.withScores(StubScores(), configure: { $0.scoresURLPath = nil }) { receiver throws in
      #expect(try Self.post(receiver, "[]").status == 404)
      #expect(try Self.post(receiver, "[]", path: "/api/public/ingestion").status == 404)
    }
  }

  private static func withScores(
    _ scores: StubScores?, duties: Doorkeeper.Duties = Doorkeeper.Duties(),
    configure: (inout OTLPReceiver.Configuration) -> Void = { _ in }, _ test: (ReceiverHarness) throws -> Void
  ) throws {
    try withReceiver(scores: scores, duties: duties, configure: configure, test)
  }

  private static func post(
    _ receiver: ReceiverHarness, _ body: String, path: String = path
  ) throws -> TestClient.Reply {
    let client = try receiver.client()
    try client.send("POST", path, headers: [json], body: Array(body.utf8))
    return try client.receive()
  }
}
