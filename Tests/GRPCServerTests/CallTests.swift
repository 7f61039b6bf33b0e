import GRPCServer
import Locks
import TestSupport
import Testing

/// Calls, and what becomes of their messages.
struct CallTests {
  @Test func `a message comes and goes as it was sent, however it is cut into frames`() throws {
    var random = SeededGenerator(seed: 7)
    try withServer { server in
      let calls = try TestCalls(port: server.port)
      let others = (0..<20).map { _ in Int.random(in: 0...20000, using: &random) }
      for size in [0, 1, 5, 1000, 16379, 16384, 60000] + others {
        let message = (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
        let sizes = (0..<8).map { _ in Int.random(in: 1...9000, using: &random) } + [16384]
        let stream = try calls.begin(echo)
        try calls.send(message, on: stream, sizes: sizes)
        let (ended, reply) = try calls.receive()
        #expect(ended == stream)
        // Not by ==, which would print it.
        #expect(reply.message?.elementsEqual(message) == true, "\(size) bytes")
      }
    }
  }

  @Test func `a call can be refused by its metadata, before its message`() throws {
    let handler = TestHandler()
    try withServer(handler) { server in
      let calls = try TestCalls(port: server.port)
      #expect(try calls.call(echo, [1], metadata: [("x-tenant", "blue")]).message == [1])
      _ = try calls.begin("/test.Echo/Other", metadata: [("x-other", "1")])
      #expect(try calls.receive().reply.message == nil)
      #expect(handler.seen.all == ["blue", nil])
      #expect(eventually { server.statistics.callsInFlight == 0 })
    }
  }

  @Test func `answers may come later, in any order and from any thread`() throws {
    let handler = TestHandler(.wait)
    try withServer(handler) { server in
      let calls = try TestCalls(port: server.port)
      let count = 50
      for number in 0..<count {
        try calls.send(Array(repeating: UInt8(number), count: number * 20), on: calls.begin(echo))
      }
      let pending = handler.pending.wait(count: count).shuffled()
      try #require(pending.count == count)
      #expect(server.statistics.callsInFlight == count)
      let threads = (0..<4).map { part in
        BackgroundThread(name: "answer") {
          for position in stride(from: part, to: count, by: 4) {
            let one = pending[position]
            one.call.respond(.success(Array(one.message.bytes) + [0xFF]))
          }
        }
      }
      for thread in threads { thread.join() }
      for _ in 0..<count {
        let (stream, reply) = try calls.receive()
        let number = Int(stream / 2)
        #expect(reply.message == Array(repeating: UInt8(number), count: number * 20) + [0xFF])
      }
    }
  }

  @Test func `a client that has gone away does not keep its answer from being given`() throws {
    let handler = TestHandler(.wait)
    try withServer(handler) { server in
      do {
        let calls = try TestCalls(port: server.port)
        try calls.send([1, 2, 3], on: calls.begin(echo))
        _ = handler.pending.wait(count: 1)
      }
      handler.pending.all[0].call.respond(.success([4]))
      #expect(Array(handler.pending.all[0].message.bytes) == [1, 2, 3])
      let calls = try TestCalls(port: server.port)
      try calls.send([5], on: calls.begin(echo))
      _ = handler.pending.wait(count: 2)
      handler.pending.all[1].call.respond(.success([6]))
      #expect(try calls.receive().reply.message == [6])
    }
  }

  @Test func `a call that ends without its message, or with half of it, is lost`() throws {
    let handler = TestHandler()
    try withServer(handler) { server in
      let calls = try TestCalls(port: server.port)
      _ = try calls.begin(echo, ends: true)
      #expect(try calls.receive().reply.message == nil)
      _ = handler.lost.wait(count: 1)
      do {
        let given = try TestCalls(port: server.port)
        let stream = try given.begin(echo)
        try given.sendPart(TestCalls.prefix(100) + [1, 2, 3], on: stream)
        // One that ends before anybody has seen it never was.
        #expect(handler.seen.wait(count: 2).count == 2)
      }
      #expect(handler.lost.wait(count: 2).count == 2)
      #expect(eventually { server.statistics.callsInFlight == 0 })
      #expect(try calls.call(echo, [9]).message == [9])
    }
  }

  @Test func `a message over the limit is refused, one of the very limit is not`() throws {
    let handler = TestHandler()
    try withServer(handler, { $0.maxMessageBytes = 1000 }) { server in
      let calls = try TestCalls(port: server.port)
      #expect(try calls.call(echo, Array(repeating: 1, count: 1000)).message?.count == 1000)
      #expect(try calls.call(echo, Array(repeating: 1, count: 1001)).message == nil)
      #expect(handler.lost.wait(count: 1).count == 1)
      #expect(try calls.call(echo, [9]).message == [9])
    }
  }

  @Test func `calls are refused while too many bytes are held, and taken again when they are given back`() throws {
    let handler = TestHandler(.wait)
    // gRPC would not go on with so little for itself, were it counted there: the messages are small for it, too.
    try withServer(handler, { $0.maxBufferedBytes = 1 << 20 }) { server in
      let held = HeldBuffer(megabytes: 2)
      let calls = try TestCalls(port: server.port)
      try calls.send([1], on: calls.begin(echo))
      held.hold(handler.pending.wait(count: 1)[0].call.pool)
      #expect(try calls.call(echo, [2]).message == nil)
      held.release()
      handler.pending.all[0].call.respond(.success([]))
      #expect(try calls.receive().reply.message == [])
      try calls.send([3], on: calls.begin(echo))
      handler.pending.wait(count: 2)[1].call.respond(.success([4]))
      #expect(try calls.receive().reply.message == [4])
    }
  }
}
