import HTTPServer
import Locks
import TestSupport
import Testing

struct DeferredReplyTests {
  @Test func `a hundred replies come later, in any order, from another thread`() throws {
    try withServer { server, handler in
      let clients = try (0..<100).map { _ in try TestClient(port: server.port) }
      for round in 0..<3 {
        for (index, client) in clients.enumerated() { try client.send("POST", "/later", body: pattern(index + round)) }
        let pending = handler.pending(clients.count)
        #expect(server.statistics.requestsInFlight == clients.count)
        BackgroundThread(name: "reply") {
          for request in pending.shuffled() {
            request.respond(HTTPResponse(status: 200, body: request.takeBody().array))
          }
        }.join()
        for (index, client) in clients.enumerated() { #expect(try client.receive().body == pattern(index + round)) }
      }
    }
  }

  @Test func `replies race with the handler's return`() throws {
    try withServer { server, _ in
      let threads = (0..<4).map { number in
        let port = server.port
        return BackgroundThread(name: "client") {
          #expect(throws: Never.self) {
            let client = try TestClient(port: port)
            for index in 0..<200 {
              try client.send("POST", "/thread", body: pattern(index + number))
              #expect(try client.receive().body.count == index + number)
            }
          }
        }
      }
      for thread in threads { thread.join() }
    }
  }

  @Test func `a client that went away does no harm to its late reply`() throws {
    try withServer { server, handler in
      // Large enough that the kernel cannot simply take it, and the broken connection is noticed in writing.
      let reply = HTTPResponse(status: 200, body: pattern(8 << 20))
      for _ in 0..<20 {
        var client: TestClient? = try TestClient(port: server.port)
        try client?.send("POST", "/later", body: pattern(200_000))
        let pending = handler.pending(1)
        client = nil
        pending[0].respond(reply)
      }
      #expect(waitUntil { server.statistics.openConnections == 0 })
      #expect(server.statistics.requestsInFlight == 0)
      let client = try TestClient(port: server.port)
      try client.send("POST", "/echo", body: [1])
      #expect(try client.receive().body == [1])
    }
  }

  @Test func `a body outlives its request when somebody holds it`() throws {
    try withServer { server, handler in
      let client = try TestClient(port: server.port)
      try client.send("POST", "/later", body: pattern(50_000))
      var body: PooledBuffer? = handler.pending(1).first.map { request in
        let body = request.takeBody()
        #expect(request.takeBody().count == 0)
        request.respond(HTTPResponse(status: 200))
        return body
      }
      #expect(try client.receive().status == 200)
      try client.send("POST", "/echo", body: [UInt8](repeating: 9, count: 50_000))
      #expect(try client.receive().status == 200)
      #expect(body?.array == pattern(50_000))
      #expect(server.statistics.bodyBytes >= 50_000)
      body = nil
      #expect(waitUntil { server.statistics.bodyBytes == 0 })
    }
  }

  @Test func `one slow handler keeps no other worker's connections waiting`() throws {
    try withServer { server, handler in
      let waiting = try TestClient(port: server.port)
      try waiting.send("POST", "/later", body: [1])
      let pending = handler.pending(1)
      let clients = try (0..<4).map { _ in try TestClient(port: server.port) }
      for client in clients {
        try client.send("POST", "/echo", body: [2])
        #expect(try client.receive().body == [2])
      }
      pending[0].respond(HTTPResponse(status: 202))
      #expect(try waiting.receive().status == 202)
    }
  }
}
