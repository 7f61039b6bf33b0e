import Glibc
import HTTPServer
import Locks
import TestSupport
import Testing

/// What holds without TLS holds with it.
struct TLSTrafficTests {
  private func withTLS(
    _ configuration: HTTPServerConfiguration = HTTPServerConfiguration(workers: 2),
    _ test: (HTTPServer, TLSRelay, TestHandler) throws -> Void
  ) throws {
    let certificates = try TestCertificates()
    var configuration = configuration
    configuration.certificate = try ServerCertificate(certificates.server())
    try withServer(configuration) { server, handler in
      let relay = try TLSRelay(to: server.port, certificates)
      try withExtendedLifetime(relay) { try test(server, relay, handler) }
    }
  }

  @Test func `bodies of any size come and go whole, over one connection`() throws {
    try withTLS { _, relay, _ in
      let client = try TestClient(port: relay.port)
      // Around what fits into a record, and into the connection's memory; up to the handler's limit.
      for size in [0, 1, 16_383, 16_384, 16_385, 32_768, 49_152, 65_537, 999_999, 1_000_000] {
        let body = pattern(size)
        try client.send("POST", "/echo", body: body)
        #expect(try client.receive().body == body)
        try client.sendChunked("/echo", body: body, sizes: [1, 1000, 70_000])
        #expect(try client.receive().body == body)
      }
    }
  }

  @Test func `a body of 10 MiB comes back while it is still sent by others`() throws {
    let certificates = try TestCertificates()
    let configuration = HTTPServerConfiguration(workers: 2, certificate: try ServerCertificate(certificates.server()))
    let server = try HTTPServer(configuration: configuration, handler: LargeEcho())
    try server.start()
    defer { server.stop(timeout: .zero) }
    let relay = try TLSRelay(to: server.port, certificates)
    let port = relay.port
    let body = pattern(10 << 20)
    let threads = (0..<4).map { _ in
      BackgroundThread(name: "client") {
        do {
          let client = try TestClient(port: port)
          for _ in 0..<2 {
            try client.send("POST", "/", body: body)
            #expect(try client.receive().body == body)
          }
        } catch { Issue.record(error) }
      }
    }
    withExtendedLifetime(relay) { for thread in threads { thread.join() } }
  }

  @Test func `requests behind one another are answered in their order, also by other threads`() throws {
    try withTLS { _, relay, handler in
      let client = try TestClient(port: relay.port)
      let paths = ["/echo", "/thread", "/404"]
      for number in 0..<300 { try client.send("POST", paths[number % 3], body: pattern(number)) }
      for number in 0..<300 {
        let reply = try client.receive()
        #expect(reply.status == (number % 3 == 2 ? 404 : 200))
        if number % 3 < 2 { #expect(reply.body == pattern(number)) }
      }
      #expect(handler.handledCount == 200)
    }
  }

  @Test func `many connections whose replies come later, at once and in any order`() throws {
    try withTLS { server, relay, handler in
      let clients = try (0..<60).map { _ in try TestClient(port: relay.port) }
      for (number, client) in clients.enumerated() { try client.send("POST", "/later", body: pattern(number * 1000)) }
      for request in handler.pending(clients.count).shuffled() {
        request.respond(HTTPResponse(status: 200, body: request.takeBody().array))
      }
      for (number, client) in clients.enumerated() { #expect(try client.receive().body == pattern(number * 1000)) }
      #expect(server.statistics.openConnections == clients.count)
    }
  }

  @Test func `limits on size hold`() throws {
    try withTLS(HTTPServerConfiguration(workers: 1, maxHeaderBytes: 8192)) { _, relay, _ in
      let small = try TestClient(port: relay.port)
      try small.send("POST", "/echo", body: pattern(TestHandler.limit + 1))
      #expect(try small.receive().status == 413)
      let announced = try TestClient(port: relay.port)
      try announced.send("POST", "/echo", headers: ["Content-Length: 99999999"])
      #expect(try announced.receive().status == 413)
      let chunked = try TestClient(port: relay.port)
      try chunked.sendChunked("/echo", body: pattern(TestHandler.limit + 1), sizes: [50_000])
      #expect(try chunked.receive().status == 413)
      // The second is little more than the connection's memory has room for: libmicrohttpd leaves what it has not read.
      for size in [9000, 40_960] {
        let headers = try TestClient(port: relay.port)
        try headers.send("POST", "/echo", headers: ["X: " + String(repeating: "x", count: size)])
        #expect(try headers.receive().status == 431)
      }
    }
  }

  @Test func `a client that is refused while it sends a lot still sees why`() throws {
    try withTLS { _, relay, _ in
      let client = try TestClient(port: relay.port)
      try client.send("POST", "/echo", body: pattern(20 << 20))
      #expect(try client.receive().status == 413)
    }
  }

  @Test(arguments: [
    "POST /echo HTTP/1.1\r\nHost: t", "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\nabc",
  ])
  func `a request that does not come in time is answered`(part: String) throws {
    let timeouts = HTTPTimeouts(
      idle: .zero, readHeader: .milliseconds(200), read: .milliseconds(200), write: .zero)
    try withTLS(HTTPServerConfiguration(workers: 1, timeouts: timeouts)) { server, relay, handler in
      let client = try TestClient(port: relay.port)
      try client.send(part)
      let reply = try client.receive()
      #expect(reply.status == 408)
      #expect(reply.closes)
      client.waitForEnd()
      #expect(waitUntil { server.statistics.openConnections == 0 && server.statistics.requestsInFlight == 0 })
      #expect(waitUntil { handler.endings == [part.hasSuffix("abc") ? .read : .readHeader] })
    }
  }

  @Test func `a client that takes nothing of a reply is cut off`() throws {
    let timeouts = HTTPTimeouts(idle: .zero, readHeader: .zero, read: .zero, write: .milliseconds(200))
    try withTLS(HTTPServerConfiguration(workers: 1, timeouts: timeouts)) { server, relay, handler in
      let client = try TestClient(port: relay.port)
      // Replies of a megabyte each, which fill every buffer on the way.
      let body = pattern(1_000_000)
      let sending = BackgroundThread(name: "client") {
        for _ in 0..<1000 {
          do { try client.send("POST", "/echo", body: body) } catch { return }
        }
      }
      #expect(waitUntil { handler.endings == [.write] })
      #expect(waitUntil { server.statistics.openConnections == 0 })
      client.waitForEnd()
      sending.join()
    }
  }

  @Test func `stopAccepting closes each connection in order with its next reply`() throws {
    try withTLS { server, relay, handler in
      let idle = try TestClient(port: relay.port)
      let busy = try TestClient(port: relay.port)
      try idle.send("GET", "/echo")
      #expect(try !idle.receive().closes)
      try busy.send("POST", "/later", body: [1])
      let pending = handler.pending(1)
      server.stopAccepting()
      pending[0].respond(HTTPResponse(status: 200, body: [5]))
      try idle.send("POST", "/404", body: [6])
      for (client, status) in [(busy, 200), (idle, 404)] {
        let reply = try client.receive()
        #expect(reply.status == status)
        #expect(reply.closes)
        #expect(client.isClosedInOrder())
      }
    }
  }

  @Test func `stop and replies may come at the same time`() throws {
    for _ in 0..<5 {
      try withTLS { server, relay, handler in
        let clients = try (0..<8).map { _ in try TestClient(port: relay.port) }
        for client in clients { try client.send("POST", "/later", body: [1]) }
        let pending = handler.pending(clients.count)
        let replying = BackgroundThread(name: "reply") {
          for request in pending { request.respond(HTTPResponse(status: 200)) }
        }
        server.stop(timeout: .zero)
        replying.join()
        #expect(server.statistics.openConnections == 0)
        #expect(!handler.endings.contains(.handshake))
      }
    }
  }

  @Test func `clients that come and go race with the timekeeper without harm`() throws {
    let hasty = Duration.milliseconds(10)
    let timeouts = HTTPTimeouts(idle: hasty, readHeader: hasty, read: hasty, write: hasty)
    try withTLS(HTTPServerConfiguration(workers: 2, timeouts: timeouts)) { server, relay, _ in
      let port = relay.port
      let threads = (0..<4).map { number in
        BackgroundThread(name: "client") {
          for round in 0..<100 {
            // Any step may fail: the server is in a hurry.
            guard let client = try? TestClient(port: port) else { continue }
            for _ in 0...(round % 4) {
              try? client.send("POST", number % 2 == 0 ? "/echo" : "/thread", body: pattern(round * 300))
              guard let reply = try? client.receive() else { break }
              #expect(reply.status == 200 && reply.body.count == round * 300 || reply.status == 408)
              if round % 5 == 0 { usleep(20_000) }
            }
          }
        }
      }
      for thread in threads { thread.join() }
      #expect(waitUntil { server.statistics.openConnections == 0 && server.statistics.requestsInFlight == 0 })
      #expect(server.statistics.bodyBytes == 0)
    }
  }
}

private struct LargeEcho: HTTPHandler {
  func decide(_ head: HTTPRequestHead) -> HTTPDecision { .receive(limit: 16 << 20) }

  func handle(_ request: HTTPRequest) {
    request.respond(HTTPResponse(status: 200, body: request.takeBody().array))
  }
}
