import Glibc
import HTTPServer
import Locks
import TestSupport
import Testing

struct LifecycleTests {
  @Test func `an address in use is an error that names it`() throws {
    try withServer { server, _ in
      let again = HTTPServerConfiguration(port: server.port)
      #expect(
        throws: HTTPServerError.cannotListen(
          address: "127.0.0.1:\(server.port)", reason: "Address already in use")
      ) { try HTTPServer(configuration: again, handler: TestHandler()) }
    }
  }

  @Test(arguments: ["no.such.host.invalid", "no host", "203.0.113.7"]) func `an address that is not ours is an error`(
    host: String
  ) {
    #expect {
      try HTTPServer(configuration: HTTPServerConfiguration(host: host), handler: TestHandler())
    } throws: { error in
      "\(error)".hasPrefix("cannot listen on \(host):0: ")
    }
  }

  @Test(arguments: ["127.0.0.1", "localhost", "0.0.0.0", ""]) func `it listens on`(host: String) throws {
    try withServer(HTTPServerConfiguration(host: host, workers: 1)) { server, _ in
      #expect(server.address == "\(host):\(server.port)")
      let client = try TestClient(port: server.port)
      try client.send("POST", "/echo", body: [1])
      #expect(try client.receive().body == [1])
    }
  }

  private static let hasIPv6: Bool = {
    let configuration = HTTPServerConfiguration(host: "::1", workers: 1)
    return (try? HTTPServer(configuration: configuration, handler: TestHandler())) != nil
  }()

  @Test(.enabled(if: hasIPv6), arguments: ["::1", "::", ""]) func `it listens on IPv6`(host: String) throws {
    try withServer(HTTPServerConfiguration(host: host, workers: 1)) { server, _ in
      let client = try TestClient(port: server.port, ipv6: true)
      try client.send("POST", "/echo", body: [1])
      #expect(try client.receive().body == [1])
    }
  }

  /// A socket that leaves the IPv4 side of its port free, and the port.
  private static func listenOnIPv6Only() throws -> (socket: Int32, port: UInt16) {
    let listener = socket(AF_INET6, Int32(SOCK_STREAM.rawValue), 0)
    var on: Int32 = 1
    setsockopt(listener, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &on, socklen_t(MemoryLayout<Int32>.size))
    var address = sockaddr_in6()
    address.sin6_family = sa_family_t(AF_INET6)
    var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
    let isListening = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && listen(listener, 1) == 0 && getsockname(listener, $0, &length) == 0
      }
    }
    try #require(isListening)
    return (listener, UInt16(bigEndian: address.sin6_port))
  }

  @Test(.enabled(if: hasIPv6)) func `a port that is in use on IPv6 is not taken on IPv4 alone`() throws {
    let (socket, port) = try Self.listenOnIPv6Only()
    defer { close(socket) }
    #expect(throws: HTTPServerError.cannotListen(address: ":\(port)", reason: "Address already in use")) {
      try HTTPServer(configuration: HTTPServerConfiguration(host: "", port: port), handler: TestHandler())
    }
  }

  @Test func `of a name's addresses, one that is in use is an error`() throws {
    try withServer { server, _ in
      #expect(throws: HTTPServerError.self) {
        try HTTPServer(
          configuration: HTTPServerConfiguration(host: "localhost", port: server.port), handler: TestHandler())
      }
    }
  }

  @Test(arguments: [(8, 6), (1024, 768), (1 << 20, 5000), (1, 1), (0, 1), (Int.max, 5000)])
  func `some descriptors are left to others than clients`(descriptors: Int, granted: Int) {
    let configuration = HTTPServerConfiguration(maxConnections: 5000)
    #expect(configuration.connectionsGranted(of: descriptors) == granted)
  }

  @Test func `connections are spread evenly over the workers`() throws {
    try withServer(HTTPServerConfiguration(workers: 4)) { server, _ in
      let clients = try (0..<40).map { _ in try TestClient(port: server.port) }
      for client in clients {
        try client.send("GET", "/echo")
        #expect(try client.receive().status == 200)
      }
      #expect(server.statistics.openConnectionsPerWorker == [10, 10, 10, 10])
    }
  }

  @Test func `connections above the limit are told so and counted`() throws {
    try withServer(HTTPServerConfiguration(workers: 2, maxConnections: 3)) { server, handler in
      var clients = try (0..<3).map { _ in try TestClient(port: server.port) }
      for client in clients {
        try client.send("GET", "/echo")
        #expect(try client.receive().status == 200)
      }
      for _ in 0..<2 {
        let client = try TestClient(port: server.port)
        // It sends before it looks, as clients do.
        try client.send("POST", "/echo", body: [1])
        let reply = try client.receive()
        #expect(reply.status == 503)
        #expect(reply.text == HTTPFault.tooManyConnections.message + "\n")
        #expect(client.isClosedInOrder())
      }
      #expect(waitUntil { handler.endings == [.maxConnections, .maxConnections] })
      #expect(handler.decidedCount == 3)
      clients.removeLast()
      #expect(waitUntil { server.statistics.openConnections == 2 })
      let client = try TestClient(port: server.port)
      try client.send("GET", "/echo")
      #expect(try client.receive().status == 200)
    }
  }

  @Test func `after stopAccepting open connections get one more reply`() throws {
    try withServer { server, handler in
      let idle = try TestClient(port: server.port)
      let busy = try TestClient(port: server.port)
      try idle.send("GET", "/echo")
      #expect(try !idle.receive().closes)
      try busy.send("POST", "/later", body: [1])
      let pending = handler.pending(1)
      server.stopAccepting()
      server.stopAccepting()
      #expect(throws: ConnectionLost.self) { try TestClient(port: server.port) }
      pending[0].respond(HTTPResponse(status: 200, headers: [("X", "y")], body: [5]))
      for client in [busy, idle] {
        if client === idle { try client.send("POST", "/404", body: [6]) }
        let reply = try client.receive()
        #expect(reply.status == (client === idle ? 404 : 200))
        #expect(reply.closes)
        #expect(client.isClosedInOrder())
      }
    }
  }

  @Test func `stop waits for replies that come in time`() throws {
    try withServer { server, handler in
      let client = try TestClient(port: server.port)
      try client.send("POST", "/later", body: [1])
      let pending = handler.pending(1)
      let stopping = BackgroundThread(name: "stop") { server.stop(timeout: .seconds(60)) }
      #expect(waitUntil { (try? TestClient(port: server.port)) == nil })
      pending[0].respond(HTTPResponse(status: 200))
      #expect(try client.receive().status == 200)
      stopping.join()
      #expect(server.statistics.requestsInFlight == 0)
    }
  }

  @Test func `stop gives up replies that do not come`() throws {
    try withServer { server, handler in
      let clients = try (0..<10).map { _ in try TestClient(port: server.port) }
      for client in clients { try client.send("POST", "/later", body: pattern(1000)) }
      let pending = handler.pending(clients.count)
      let halfway = try TestClient(port: server.port)
      try halfway.send("POST", "/echo", headers: ["Content-Length: 100"])
      server.stop(timeout: .milliseconds(10))
      server.stop()
      for client in clients + [halfway] { client.waitForEnd() }
      #expect(server.statistics.requestsInFlight == 0)
      #expect(server.statistics.openConnections == 0)
      for request in pending {
        #expect(request.takeBody().count == 1000)
        request.respond(HTTPResponse(status: 200))
      }
    }
  }

  @Test func `stop and replies may come at the same time`() throws {
    for _ in 0..<20 {
      try withServer { server, handler in
        let clients = try (0..<8).map { _ in try TestClient(port: server.port) }
        for client in clients { try client.send("POST", "/later", body: [1]) }
        let pending = handler.pending(clients.count)
        let replying = BackgroundThread(name: "reply") {
          for request in pending { request.respond(HTTPResponse(status: 200)) }
        }
        server.stop(timeout: .zero)
        replying.join()
        #expect(server.statistics.openConnections == 0)
      }
    }
  }

  @Test func `stop cuts clients that linger after a refusal`() throws {
    try withServer { server, _ in
      let client = try TestClient(port: server.port)
      try client.send("POST", "/echo", headers: ["Content-Length: 99999999"])
      #expect(try client.receive().status == 413)
      server.stop()
      #expect(throws: ConnectionLost.self) {
        for _ in 0..<1000 { try client.send([UInt8](repeating: 0, count: 1 << 16)) }
      }
    }
  }

  @Test func `a server that was never started can be stopped, and frees its port`() throws {
    let server = try HTTPServer(configuration: HTTPServerConfiguration(), handler: TestHandler())
    server.stop()
    let next = try HTTPServer(configuration: HTTPServerConfiguration(port: server.port), handler: TestHandler())
    #expect(next.port == server.port)
  }

  @Test func `accepting goes on after descriptors have run out`() async {
    // The limit holds for a whole process, so this one gets its own.
    await #expect(processExitsWith: .success) {
      // The runtime may close a descriptor of its own in the wrong moment: then accepting has not failed, so once more.
      for _ in 0..<10 {
        var hasFailed = false
        try withServer(HTTPServerConfiguration(workers: 1)) { server, _ in
          let before = descriptorLimit
          var spares: [Int32] = []
          defer { for spare in spares { close(spare) } }
          let client = try TestClient(
            port: server.port,
            onceOpen: { socket in
              descriptorLimit = UInt(socket) + 1
              // Below the limit there may be free ones.
              while case let spare = dup(socket), spare >= 0 { spares.append(spare) }
            })
          try client.send("GET", "/echo")
          // Nothing tells that accepting has failed; a few back-offs should do.
          usleep(200_000)
          let accepted = server.statistics.openConnections
          descriptorLimit = before
          try #require(try client.receive().status == 200)
          hasFailed = accepted == 0
        }
        if hasFailed { return }
      }
      Issue.record("accepting never failed")
    }
  }
}

/// How many descriptors this process may have.
private var descriptorLimit: UInt {
  get {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    return limit.rlim_cur
  }
  set {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = newValue
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }
}
