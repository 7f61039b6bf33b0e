import GRPCServer
import HTTPServer
import Locks
import TLS
import TestSupport
import Testing

/// Servers from their beginning to their end.
struct LifecycleTests {
  private func make(_ handler: TestHandler = TestHandler(), port: UInt16 = 0) throws -> GRPCServer {
    var configuration = GRPCServerConfiguration()
    configuration.port = port
    return try GRPCServer(configuration: configuration, services: [], handler: handler)
  }

  @Test func `an address in use is said so, and free when its server is gone, started or not`() throws {
    var first: GRPCServer? = try make()
    let port = try #require(first?.port)
    #expect(first?.address == "127.0.0.1:\(port)")
    #expect(throws: GRPCServerError.cannotListen("cannot listen on 127.0.0.1:\(port): Address already in use")) {
      try make(port: port)
    }
    first = nil
    let second = try make(port: port)
    second.start()
    #expect(try TestCalls(port: port).call(echo, [1]).message == [1])
    second.stopAccepting()
    let third = try make(port: port)
    second.stop(timeout: .zero)
    third.start()
    #expect(try TestCalls(port: port).call(echo, [3]).message == [3])
    third.stop(timeout: .zero)
  }

  @Test func `many servers run in one process, and end while they are called`() throws {
    let servers = try (0..<12).map { _ in try make() }
    for server in servers { server.start() }
    let threads = servers.map { server in
      let port = server.port
      return BackgroundThread(name: "client") {
        guard let calls = try? TestCalls(port: port) else { return }
        while (try? calls.call(echo, [1, 2, 3])) != nil {}
      }
    }
    for server in servers { server.stop(timeout: .seconds(60)) }
    for thread in threads { thread.join() }
  }

  @Test func `a stop waits for answers that are owed`() throws {
    let handler = TestHandler(.wait)
    let server = try make(handler)
    server.start()
    let calls = try TestCalls(port: server.port)
    try calls.send([1], on: calls.begin(echo))
    let pending = handler.pending.wait(count: 1)
    let stop = BackgroundThread(name: "stop") { server.stop(timeout: .seconds(60)) }
    #expect(eventually { (try? TestClient(port: server.port)) == nil })
    pending[0].call.respond(.success([2]))
    #expect(try calls.receive().reply.message == [2])
    calls.waitForEnd()
    stop.join()
    // gRPC closes them on threads of its own.
    #expect(eventually { server.statistics.openConnections == 0 })
  }

  @Test func `an answer after the stop goes nowhere`() throws {
    let handler = TestHandler(.wait)
    var server: GRPCServer? = try make(handler)
    server?.start()
    let calls = try TestCalls(port: try #require(server?.port))
    try calls.send(Array(repeating: 7, count: 40000), on: calls.begin(echo))
    let pending = handler.pending.wait(count: 1)
    server?.stop(timeout: .zero)
    server = nil
    // What it got, it has still.
    #expect(pending[0].message.bytes.count == 40000 && pending[0].message.bytes.allSatisfy { $0 == 7 })
    pending[0].call.respond(.success([1]))
    #expect(throws: ConnectionLost.self) {
      while try calls.receive().reply.message == nil {}
    }
  }

  @Test func `connections above the limit are closed, and there is room when others have gone`() throws {
    let handler = TestHandler()
    try withServer(handler, { $0.maxConnections = 2 }) { server in
      var open = [try TestCalls(port: server.port), try TestCalls(port: server.port)]
      for calls in open { #expect(try calls.call(echo, [1]).message == [1]) }
      #expect(server.statistics.openConnections == 2)
      #expect(throws: ConnectionLost.self) { try TestCalls(port: server.port).call(echo, [2]) }
      #expect(handler.refusedConnections.all.count == 1)
      open.removeLast()
      #expect(eventually { server.statistics.openConnections == 1 })
      let another = try TestCalls(port: server.port)
      #expect(try another.call(echo, [3]).message == [3])
    }
  }

  @Test func `a file that TLS needs and that cannot be read is named`() {
    var configuration = GRPCServerConfiguration()
    configuration.tls = TLSServerConfiguration(certFile: "/nowhere/a.pem", keyFile: "/nowhere/a.key")
    #expect(throws: GRPCServerError.unreadable(file: "/nowhere/a.pem", reason: "No such file or directory")) {
      try GRPCServer(configuration: configuration, services: [], handler: TestHandler())
    }
  }
}
