@testable import HTTPServer
import Locks
import TestSupport
import Testing

struct RefusalTests {
  @Test func `a body that is announced too large is answered while it is sent`() throws {
    try withServer { server, handler in
      for _ in 0..<3 {
        let client = try TestClient(port: server.port)
        // All of it is sent before the reply is read.
        try client.send("POST", "/echo", body: [UInt8](repeating: 7, count: 20 << 20))
        client.finishSending()
        let reply = try client.receive()
        #expect(reply.status == 413)
        #expect(reply.text == HTTPFault.bodyTooLarge.message + "\n")
        #expect(reply.closes)
        #expect(client.isClosedInOrder())
      }
      #expect(handler.handledCount == 0)
    }
  }

  @Test func `a client that waits for 100 Continue gets the refusal instead`() throws {
    try withServer { server, handler in
      for (path, length, status) in [("/echo", 20 << 20, 413), ("/404", 5, 404), ("/503", 5, 503)] {
        let client = try TestClient(port: server.port)
        try client.send("POST", path, headers: ["Expect: 100-continue", "Content-Length: \(length)"])
        #expect(try client.receive().status == status)
        #expect(client.isClosedInOrder())
      }
      #expect(handler.handledCount == 0)
    }
  }

  @Test(arguments: [400, 404, 405, 415, 503]) func `the connection stays usable after a refusal`(status: Int) throws {
    try withServer { server, handler in
      let client = try TestClient(port: server.port)
      try client.send("POST", "/\(status)", body: pattern(4 << 20))
      var reply = try client.receive()
      #expect(reply.status == status)
      #expect(reply.headers["retry-after"] == "1")
      #expect(!reply.closes)
      try client.sendChunked("/\(status)", body: pattern(300_000), sizes: [100_000])
      #expect(try client.receive().status == status)
      try client.send("GET", "/\(status)")
      #expect(try client.receive().status == status)
      try client.send("POST", "/echo", body: [1, 2, 3])
      reply = try client.receive()
      #expect(reply.body == [1, 2, 3])
      #expect(handler.decidedCount == 4)
      #expect(handler.handledCount == 1)
    }
  }

  @Test func `chunks that grow over the limit are refused and the connection stays usable`() throws {
    try withServer { server, handler in
      let client = try TestClient(port: server.port)
      try client.sendChunked("/echo", body: pattern(TestHandler.limit), sizes: [60_000])
      #expect(try client.receive().body.count == TestHandler.limit)
      try client.sendChunked("/echo", body: pattern(TestHandler.limit + 1), sizes: [60_000])
      #expect(try client.receive().status == 413)
      #expect(server.statistics.bodyBytes == 0)
      try client.send("POST", "/echo", body: [1])
      #expect(try client.receive().body == [1])
      #expect(handler.handledCount == 2)
    }
  }

  @Test func `a client that sends chunks without end is cut off`() throws {
    try withServer { server, handler in
      let client = try TestClient(port: server.port)
      try client.send("POST", "/echo", headers: ["Transfer-Encoding: chunked"])
      let chunk = Array("100000\r\n".utf8) + [UInt8](repeating: 1, count: 1 << 20) + Array("\r\n".utf8)
      #expect(throws: ConnectionLost.self) {
        for _ in 0..<256 { try client.send(chunk) }
      }
      #expect(handler.endings == [.endlessBody])
    }
  }

  @Test func `an announced size buys no memory`() throws {
    try withServer { server, _ in
      let client = try TestClient(port: server.port)
      try client.send("POST", "/echo", headers: ["Content-Length: \(TestHandler.limit)"])
      try client.send([1])
      #expect(waitUntil { server.statistics.bodyBytes > 0 })
      #expect(server.statistics.bodyBytes <= 1 << 20)
    }
  }

  @Test(arguments: [
    ("Content-Length: 5\r\nTransfer-Encoding: chunked", 400), ("Content-Length: 5\r\nContent-Length: 6", 400),
    ("Transfer-Encoding: gzip", 501), ("Transfer-Encoding: gzip, chunked", 501),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 501), ("Content-Length: five", 400),
    ("Content-Length: -5", 400), ("Content-Length: 5, 5", 400), ("Content-Length: 99999999999999999999", 413),
    ("Content-Length: 9223372036854775808", 413),
  ]) func `a length that makes no sense is refused`(headers: String, status: Int) throws {
    try withServer { server, handler in
      let client = try TestClient(port: server.port)
      try client.send("POST /echo HTTP/1.1\r\nHost: test\r\n\(headers)\r\n\r\n")
      #expect(try client.receive().status == status)
      client.waitForEnd()
      #expect(handler.handledCount == 0)
    }
  }

  @Test func `the same length said twice is one length`() throws {
    try withServer { server, _ in
      let client = try TestClient(port: server.port)
      try client.send("POST", "/echo", headers: ["Content-Length: 2", "Content-Length: 2"])
      try client.send("ab")
      #expect(try client.receive().text == "ab")
    }
  }

  @Test(arguments: [
    "\u{16}\u{03}\u{01}\u{02}garbage\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET\r\n\r\n",
    "GET /echo HTTP/1.1\r\nno colon here\r\n\r\n", "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
  ]) func `what is no HTTP ends the connection and nothing else`(garbage: String) throws {
    try withServer { server, handler in
      let client = try TestClient(port: server.port)
      try client.send(garbage)
      client.waitForEnd()
      let next = try TestClient(port: server.port)
      try next.send("POST", "/echo", body: [1])
      #expect(try next.receive().body == [1])
      #expect(handler.handledCount == 1)
    }
  }

  @Test func `a large body is refused before it is sent`() throws {
    try withServer { server, handler in
      let client = try TestClient(port: server.port)
      // No byte of the body ever comes, and nobody waits for a 100.
      try client.send("POST", "/503", headers: ["Content-Length: \((4 << 20) + 1)"])
      let reply = try client.receive()
      #expect(reply.status == 503)
      #expect(reply.headers["retry-after"] == "1")
      #expect(client.isClosedInOrder())
      #expect(handler.handledCount == 0)
    }
  }

  @Test func `headers of the limit are read, larger ones are refused`() throws {
    let configuration = HTTPServerConfiguration(workers: 1, maxHeaderBytes: 5000)
    try withServer(configuration) { server, handler in
      let client = try TestClient(port: server.port)
      func send(_ size: Int) throws {
        let line = "GET /echo HTTP/1.1\r\nHost: test\r\nX-Long: "
        try client.send(line + String(repeating: "x", count: size - line.utf8.count - 4) + "\r\n\r\n")
      }
      try send(5000)
      #expect(try client.receive().status == 200)
      try send(5001)
      let reply = try client.receive()
      #expect(reply.status == 431)
      #expect(reply.text == HTTPFault.headersTooLarge.message + "\n")
      #expect(handler.decidedCount == 1)
    }
  }

  @Test func `headers larger than the connection's memory are refused`() throws {
    try withServer { server, handler in
      let client = try TestClient(port: server.port)
      // The reply may be lost in a reset, since the rest of the headers is not read.
      _ = try? client.send("GET", "/echo", headers: ["X-Long: " + String(repeating: "x", count: 1 << 20)])
      let reply = try? client.receive()
      #expect(reply == nil || reply?.status == 431)
      client.waitForEnd()
      #expect(handler.decidedCount == 0)
    }
  }

  @Test func `a target that just about fills the connection's memory does not fall into silence`() throws {
    let configuration = HTTPServerConfiguration(workers: 1, maxHeaderBytes: 5000)
    try withServer(configuration) { server, _ in
      for size in stride(from: configuration.connectionMemory - 640, to: configuration.connectionMemory, by: 16) {
        let client = try TestClient(port: server.port)
        _ = try? client.send("GET /echo?\(String(repeating: "x", count: size - 21)) HTTP/1.1\r\nHost: test\r\n\r\n")
        // Where no memory is left even for a reply, the connection is closed.
        let reply = try? client.receive()
        #expect(reply == nil || [414, 431].contains(reply?.status))
        client.waitForEnd()
      }
    }
  }
}
