import Glibc
import HTTPServer
import Locks
import TestSupport
import Testing

/// Clients that take their time. No test says how long something takes: each waits for an end that must come, beside
/// timeouts so long that nothing else can have brought it about.
struct TimeoutTests {
  /// Only the named time is limited.
  private func limiting(
    idle: Duration = .zero, readHeader: Duration = .zero, read: Duration = .zero, write: Duration = .zero
  ) -> HTTPServerConfiguration {
    HTTPServerConfiguration(
      workers: 1, timeouts: HTTPTimeouts(idle: idle, readHeader: readHeader, read: read, write: write))
  }

  private static let short = Duration.milliseconds(300)

  /// Sends one byte after another until the server has had enough.
  private func trickle(to client: TestClient) {
    for _ in 0..<6000 {
      do { try client.send("x") } catch { return }
      usleep(10_000)
    }
    Issue.record("the server listens for ever")
  }

  private func expectTooSlow(_ client: TestClient) throws {
    let reply = try client.receive()
    #expect(reply.status == 408)
    #expect(reply.text == HTTPFault.tooSlow.message + "\n")
    #expect(reply.closes)
  }

  @Test func `headers that come byte by byte are cut off, on a first request and on a later one`() throws {
    try withServer(limiting(readHeader: Self.short)) { server, handler in
      for isFirst in [true, false] {
        let client = try TestClient(port: server.port)
        if !isFirst {
          try client.send("POST", "/echo", body: [1])
          #expect(try client.receive().body == [1])
        }
        try client.send("POST /echo HTTP/1.1\r\nX: ")
        trickle(to: client)
        try expectTooSlow(client)
        #expect(waitUntil { server.statistics.openConnections == 0 })
      }
      #expect(waitUntil { handler.endings == [.readHeader, .readHeader] })
      #expect(handler.decidedCount == 1)
    }
  }

  @Test func `headers that stop are cut off`() throws {
    try withServer(limiting(readHeader: Self.short)) { server, handler in
      let client = try TestClient(port: server.port)
      try client.send("POST /ec")
      try expectTooSlow(client)
      #expect(client.isClosedInOrder())
      #expect(waitUntil { server.statistics.openConnections == 0 })
      #expect(waitUntil { handler.endings == [.readHeader] })
    }
  }

  @Test(arguments: [true, false])
  func `a body that comes byte by byte is cut off, and its memory is free again`(isChunked: Bool) throws {
    try withServer(limiting(read: Self.short)) { server, handler in
      let client = try TestClient(port: server.port)
      let length = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: 500000"
      try client.send("POST", "/echo", headers: [length])
      if isChunked { try client.send("80000\r\n") }
      try client.send(pattern(200_000))
      trickle(to: client)
      try expectTooSlow(client)
      #expect(waitUntil { server.statistics.bodyBytes == 0 && server.statistics.openConnections == 0 })
      #expect(server.statistics.requestsInFlight == 0)
      #expect(waitUntil { handler.endings == [.read] })
      #expect(handler.handledCount == 0)
    }
  }

  @Test func `a client that stops in the middle of a body is cut off, and its memory is free again`() throws {
    for (configuration, reason) in [(limiting(idle: Self.short), HTTPEnding.idle), (limiting(read: Self.short), .read)]
    {
      try withServer(configuration) { server, handler in
        let client = try TestClient(port: server.port)
        try client.send("POST", "/echo", headers: ["Content-Length: 100"])
        try client.send("half")
        try expectTooSlow(client)
        #expect(client.isClosedInOrder())
        #expect(waitUntil { server.statistics.bodyBytes == 0 && server.statistics.openConnections == 0 })
        #expect(server.statistics.requestsInFlight == 0)
        #expect(waitUntil { handler.endings == [reason] })
        #expect(handler.handledCount == 0)
      }
    }
  }

  @Test func `a refused client whose body does not come gets its refusal all the same`() throws {
    try withServer(limiting(read: Self.short)) { server, handler in
      let client = try TestClient(port: server.port)
      try client.send("POST", "/503", headers: ["Content-Length: 100"])
      #expect(try client.receive().status == 503)
      #expect(client.isClosedInOrder())
      #expect(waitUntil { handler.endings == [.read] })
    }
  }

  @Test func `a client that does not read its reply is cut off`() throws {
    try withServer(limiting(write: Self.short)) { server, handler in
      // Its window stays small, so that the reply does not fit between the two.
      let client = try TestClient(
        port: server.port,
        onceOpen: { socket in
          var size: Int32 = 4096
          setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        })
      try client.send("POST", "/later", body: [1])
      handler.pending(1)[0].respond(HTTPResponse(status: 200, body: pattern(32 << 20)))
      #expect(waitUntil { server.statistics.openConnections == 0 })
      #expect(server.statistics.requestsInFlight == 0)
      #expect(waitUntil { handler.endings == [.write] })
      #expect(throws: ConnectionLost.self) { try client.receive() }
    }
  }

  @Test func `a silent connection is closed in order, before its first request and after one`() throws {
    try withServer(limiting(idle: Self.short)) { server, handler in
      let silent = try TestClient(port: server.port)
      let used = try TestClient(port: server.port)
      try used.send("POST", "/echo", body: [1])
      #expect(try used.receive().body == [1])
      #expect(silent.isClosedInOrder())
      #expect(used.isClosedInOrder())
      #expect(waitUntil { server.statistics.openConnections == 0 })
      #expect(waitUntil { handler.endings == [.idle, .idle] })
    }
  }

  @Test(arguments: [1, 3])
  func `a client that says with its last request that nothing follows is let go`(requests: Int) throws {
    try withServer(limiting(write: Self.short)) { server, handler in
      let client = try TestClient(port: server.port)
      let request = "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\n\r\nx"
      try client.send(String(repeating: request, count: requests))
      client.finishSending()
      for _ in 0..<requests { #expect(try client.receive().text == "x") }
      client.waitForEnd()
      #expect(waitUntil { server.statistics.openConnections == 0 })
      #expect(handler.endings.isEmpty)
    }
  }

  @Test func `waiting for a reply counts nowhere`() throws {
    let all = limiting(idle: Self.short, readHeader: Self.short, read: Self.short, write: Self.short)
    try withServer(all) { server, handler in
      let slow = try TestClient(port: server.port)
      try slow.send("POST", "/later", body: [1])
      let pending = handler.pending(1)
      let idle = try TestClient(port: server.port)
      // It is connected later and cut off for idling, so the other one has waited at least as long.
      idle.waitForEnd()
      pending[0].respond(HTTPResponse(status: 200))
      #expect(try slow.receive().status == 200)
    }
  }

  @Test func `without timeouts nobody is cut off, and the server stops all the same`() throws {
    try withServer(limiting()) { server, _ in
      let client = try TestClient(port: server.port)
      try client.send("POST", "/echo", headers: ["Content-Length: 2"])
      try client.send("a")
      usleep(100_000)
      try client.send("b")
      #expect(try client.receive().text == "ab")
    }
  }

  @Test func `clients that come and go race with the timekeeper without harm`() throws {
    let hasty = Duration.milliseconds(1)
    try withServer(limiting(idle: hasty, readHeader: hasty, read: hasty, write: hasty)) { server, _ in
      let threads = (0..<4).map { number in
        BackgroundThread(name: "client") {
          for round in 0..<300 {
            // Any step may fail: the server is in a hurry.
            guard let client = try? TestClient(port: server.port) else { continue }
            for _ in 0...(round % 4) {
              try? client.send("POST", number % 2 == 0 ? "/echo" : "/thread", body: pattern(round))
              guard let reply = try? client.receive() else { break }
              #expect(reply.status == 200 && reply.body.count == round || reply.status == 408)
              if round % 5 == 0 { usleep(2000) }
            }
          }
        }
      }
      for thread in threads { thread.join() }
      #expect(waitUntil { server.statistics.openConnections == 0 && server.statistics.requestsInFlight == 0 })
      #expect(server.statistics.bodyBytes == 0)
    }
  }

  @Test func `thousands of idle connections keep nobody else from being served, and end when they have to`() async {
    // The limit on descriptors holds for a whole process, so this one gets its own.
    await #expect(processExitsWith: .success) {
      DescriptorLimit.raise()
      // Each takes two here, one on either side.
      let count = min(4000, (DescriptorLimit.current - 512) / 2)
      try #require(count >= 2000 || DescriptorLimit.current < 5000)
      let configuration = HTTPServerConfiguration(
        workers: 2, maxConnections: 5000, timeouts: HTTPTimeouts(idle: .seconds(10)))
      try withServer(configuration) { server, handler in
        let healthy = try TestClient(port: server.port)
        let idle = try (0..<count).map { _ in
          let client = try TestClient(port: server.port)
          try healthy.send("POST", "/echo", body: [1])
          try #require(try healthy.receive().body == [1])
          return client
        }
        // Those who wait are closed, and the one who sends goes on.
        try #require(
          waitUntil {
            guard (try? healthy.send("POST", "/echo", body: [2])) != nil else { return true }
            return (try? healthy.receive().body) != [2] || server.statistics.openConnections == 1
          })
        try #require(server.statistics.openConnections == 1)
        try #require(idle.allSatisfy { $0.isClosedInOrder() })
        try #require(waitUntil { handler.endings == Array(repeating: .idle, count: count) })
      }
    }
  }
}
