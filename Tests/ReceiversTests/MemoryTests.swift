import HTTPServer
import Locks
import OTLP
@testable import Receivers
import TestSupport
import Testing

/// What a receiver holds on to.
struct MemoryTests {
  @Test func `a thousand requests leave as many indexes as there are workers, and no body`() throws {
    try withReceiver { receiver in
      let client = try receiver.client()
      let bodies = [request(spans: 3), request(spans: 100, padding: 300), [1, 2, 3], []]
      for round in 0..<1000 {
        let body = bodies[round % bodies.count]
        let isPacked = round % 3 == 0
        let reply = try client.exchange(
          isPacked ? gzip(body) : body, headers: isPacked ? ["Content-Encoding: gzip"] : [])
        #expect(reply.status == (round % bodies.count == 2 ? 400 : 200))
      }
      #expect(receiver.requests == 1000)
      #expect(eventually { receiver.server.statistics.bodyBytes == 0 })
      #expect(eventually { receiver.handler.service.indexes.idleCount >= 1 })
      #expect(receiver.handler.service.indexes.idleCount <= 2)
    }
  }

  @Test func `requests that wait at once have an index each, and give it back`() throws {
    try withReceiver(StubConsumer(.wait)) { receiver in
      let clients = try (0..<10).map { _ in try receiver.client() }
      for client in clients { try client.sendTraces(request(spans: 1)) }
      #expect(receiver.consumer.pending.wait(count: 10).count == 10)
      #expect(receiver.handler.service.indexes.idleCount == 0)
      #expect(receiver.server.statistics.bodyBytes > 0)
      #expect(receiver.consumer.pending.all.allSatisfy { $0.batch.index.spanCount == 1 })
      #expect(Set(receiver.consumer.pending.all.map { ObjectIdentifier($0.batch.index) }).count == 10)
      for pending in receiver.consumer.pending.all { pending.answer(nil) }
      for client in clients { #expect(try client.receive().status == 200) }
    }
  }

  @Test func `a batch that is kept outlives its reply, its connection and its server`() throws {
    let consumer = StubConsumer(.wait)
    let body = request(spans: 20, padding: 200)
    try withReceiver(consumer) { receiver in
      for isPacked in [false, true] {
        let client = try receiver.client()
        try client.sendTraces(isPacked ? gzip(body) : body, headers: isPacked ? ["Content-Encoding: gzip"] : [])
        consumer.pending.wait(count: isPacked ? 2 : 1).last?.answer(nil)
        #expect(try client.receive().status == 200)
      }
      consumer.set(.accept)
      // Others come and go through the same memory.
      let client = try receiver.client()
      for round in 0..<50 { #expect(try client.exchange(request(spans: round)).status == 200) }
    }
    let kept = consumer.pending.all.map(\.batch)
    #expect(kept.count == 2)
    for batch in kept {
      #expect(Array(batch.bytes) == body)
      #expect(batch.spanCount == 20)
      #expect(batch.index.spans[19].length == batch.index.spans[0].length)
    }
  }

  @Test func `the pool hands the same index out again, but keeps none of a huge request and not too many`() {
    let pool = ReusePool { SpanIndex() }
    let first = pool.take()
    pool.give(first, requestBytes: 1000)
    #expect(pool.idleCount == 1)
    #expect(pool.take() === first)
    #expect(pool.idleCount == 0)
    pool.give(first, requestBytes: 64 << 20)
    #expect(pool.idleCount == 0)
    for _ in 0..<1000 { pool.give(SpanIndex(), requestBytes: 0) }
    #expect(pool.idleCount == 64)
  }

  @Test func `many senders at once lose nothing`() throws {
    try withReceiver { receiver in
      let failures = Locked<[String]>([])
      let threads = (0..<8).map { sender in
        BackgroundThread(name: "sender") {
          do {
            let client = try receiver.client()
            for round in 0..<50 {
              let first = UInt64(sender * 100_000 + round * 100 + 1)
              let body = request(spans: 1 + round % 40, from: first, padding: round * 7)
              let reply = try client.exchange(
                round % 2 == 0 ? body : gzip(body), headers: round % 2 == 0 ? [] : ["Content-Encoding: gzip"])
              if reply.status != 200 { failures.withLock { $0.append("\(reply)") } }
            }
          } catch {
            failures.withLock { $0.append("\(error)") }
          }
        }
      }
      for thread in threads { thread.join() }
      #expect(failures.withLock { $0 } == [])
      let ids = receiver.consumer.spans.map(\.id)
      let sent = 8 * (0..<50).reduce(0) { $0 + 1 + $1 % 40 }
      #expect(ids.count == sent)
      #expect(Set(ids).count == sent)
      #expect(receiver.acceptedSpans == sent)
    }
  }
}
