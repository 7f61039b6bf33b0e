import HTTPServer
import Locks
import OTLP
import Pipeline
@testable import Receivers
import TestSupport
import Testing

/// Replies that wait for the pipeline, and refusals by it.
struct DeferredReplyTests {
  private let refusal = Refusal(message: "the disk is full", retryAfter: 13)

  private func expectRefusal(_ reply: TestClient.Reply, _ refusal: Refusal) throws {
    #expect(reply.status == 503)
    #expect(reply.headers["content-type"] == "application/x-protobuf")
    #expect(reply.headers["retry-after"] == String(refusal.retryAfter))
    let status = try #require(ReadStatus(reply.body))
    #expect(status.code == 14)
    #expect(status.message == refusal.message)
  }

  @Test func `no reply comes before the pipeline has spoken, and its answer may come from any thread`() throws {
    try withReceiver(StubConsumer(.wait)) { receiver in
      let clients = try (0..<100).map { _ in try receiver.client() }
      for round in 0..<3 {
        for (number, client) in clients.enumerated() {
          try client.sendTraces(request(spans: 1 + number % 3, from: UInt64(number * 10 + 10)))
        }
        let all = receiver.consumer.pending.wait(count: clients.count * (round + 1))
        let pending = Array(all.suffix(clients.count))
        try #require(pending.count == clients.count)
        #expect(receiver.server.statistics.requestsInFlight == clients.count)
        let refusal = refusal
        let answers = pending.shuffled()
        let threads = (0..<4).map { part in
          BackgroundThread(name: "answer") {
            for position in stride(from: part, to: answers.count, by: 4) {
              // The batch may still be read.
              let batch = answers[position].batch
              let first = DecodedSpan(
                Array(
                  UnsafeRawBufferPointer(
                    start: batch.payload(of: batch.index.spans[0]), count: Int(batch.index.spans[0].length))))
              answers[position].answer(first.id / 10 % 5 == 0 ? refusal : nil)
            }
          }
        }
        for thread in threads { thread.join() }
        for (number, client) in clients.enumerated() {
          let reply = try client.receive()
          if (number + 1) % 5 == 0 { try expectRefusal(reply, refusal) } else { #expect(reply.status == 200) }
        }
      }
      let spans = (0..<100).map { 1 + $0 % 3 }
      let refused = spans.enumerated().filter { ($0.offset + 1) % 5 == 0 }.reduce(0) { $0 + $1.element }
      #expect(receiver.refusedSpans == 3 * refused)
      #expect(receiver.acceptedSpans == 3 * (spans.reduce(0, +) - refused))
      #expect(receiver.refusedRequests == 3 * 20)
      #expect(receiver.requests == 300)
    }
  }

  @Test func `a pipeline that refuses a request has its sender told when to come again`() throws {
    try withReceiver(StubConsumer(.refuse(refusal))) { receiver in
      let client = try receiver.client()
      let reply = try client.exchange(request(spans: 4))
      try expectRefusal(reply, refusal)
      #expect(!reply.closes)
      #expect(receiver.refusedSpans == 4)
      #expect(receiver.refusedRequests == 1)
      receiver.consumer.set(.accept)
      #expect(try client.exchange(request(spans: 4)).status == 200)
      #expect(receiver.acceptedSpans == 4)
    }
  }

  @Test func `under overload a request is refused by its headers, and nothing of it is kept`() throws {
    try withReceiver(StubConsumer(refusal: refusal)) { receiver in
      let client = try receiver.client()
      try client.send("POST /v1/traces HTTP/1.1\r\nHost: x\r\n\(protobuf)\r\nContent-Length: 100000\r\n\r\n")
      try client.send([UInt8](repeating: 0xFF, count: 50_000))
      #expect(eventually { receiver.refusedRequests == 1 })
      #expect(receiver.server.statistics.bodyBytes == 0)
      try client.send([UInt8](repeating: 0xFF, count: 50_000))
      try expectRefusal(client.receive(), refusal)
      #expect(receiver.server.statistics.bodyBytes == 0)
      #expect(receiver.consumer.requests.all.isEmpty)
      receiver.consumer.set(.accept)
      #expect(try client.exchange(request(spans: 1)).status == 200)
    }
  }

  @Test func `a client that waits for leave is spared its body under overload`() throws {
    try withReceiver(StubConsumer(refusal: refusal)) { receiver in
      let client = try receiver.client()
      let head = "POST /v1/traces HTTP/1.1\r\nHost: x\r\n\(protobuf)\r\nContent-Length: 1000\r\n"
      try client.send(head + "Expect: 100-continue\r\n\r\n")
      try expectRefusal(client.receive(), refusal)
    }
  }

  @Test func `overload that came while a body was sent refuses it too`() throws {
    try withReceiver { receiver in
      let client = try receiver.client()
      let body = request(spans: 3)
      try client.send("POST /v1/traces HTTP/1.1\r\nHost: x\r\n\(protobuf)\r\nContent-Length: \(body.count)\r\n\r\n")
      // Counted when the headers have been judged.
      #expect(eventually { receiver.server.statistics.requestsInFlight == 1 })
      receiver.consumer.set(.accept, refusal: refusal)
      try client.send(body)
      try expectRefusal(client.receive(), refusal)
      #expect(receiver.consumer.requests.all.isEmpty)
      #expect(receiver.refusedSpans == 3)
      #expect(receiver.refusedRequests == 1)
      #expect(receiver.handler.service.indexes.idleCount == 1)
    }
  }

  @Test func `too many bodies under way refuse further ones until some have gone`() throws {
    try withReceiver(StubConsumer(.wait), maxBodyBytes: 20_000) { receiver in
      let body = request(spans: 1, padding: 10_000)
      let clients = try (0..<3).map { _ in try receiver.client() }
      for (number, client) in clients.prefix(2).enumerated() {
        try client.sendTraces(body)
        #expect(receiver.consumer.pending.wait(count: number + 1).count == number + 1)
      }
      let reply = try clients[2].exchange(body)
      #expect(reply.status == 503)
      #expect(reply.headers["retry-after"] == "1")
      #expect(ReadStatus(reply.body)?.code == 14)
      #expect(ReadStatus(reply.body)?.message.isEmpty == false)
      #expect(receiver.refusedRequests == 1)
    }
  }

  @Test func `what is wrong with a request is told before overload`() throws {
    try withReceiver(StubConsumer(refusal: refusal)) { receiver in
      let client = try receiver.client()
      try client.send("POST", "/nowhere", headers: [protobuf], body: [])
      #expect(try client.receive().status == 404)
      try client.send("POST", "/v1/traces", headers: ["Content-Type: text/plain"], body: [])
      #expect(try client.receive().status == 415)
    }
  }

  @Test func `an answer to a client that went away is no harm`() throws {
    try withReceiver(StubConsumer(.wait)) { receiver in
      var client: TestClient? = try receiver.client()
      try client?.sendTraces(request(spans: 2))
      let pending = receiver.consumer.pending.wait(count: 1)
      client = nil
      pending.first?.answer(nil)
      #expect(receiver.acceptedSpans == 2)
      receiver.consumer.set(.accept)
      let next = try receiver.client()
      #expect(try next.exchange(request(spans: 1)).status == 200)
    }
  }
}
