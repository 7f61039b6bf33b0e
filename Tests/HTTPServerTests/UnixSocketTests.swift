import Foundation
import HTTPServer
import TestSupport
import Testing

struct UnixSocketTests {
  /// A path in a folder that goes with the test.
  private func withPath(_ test: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "heirloom-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try test(folder.appendingPathComponent("http.sock").path)
  }

  private func failure(_ path: String) -> String? {
    do {
      _ = try HTTPServer(configuration: HTTPServerConfiguration(socketPath: path), handler: TestHandler())
      return nil
    } catch { return "\(error)" }
  }

  @Test func `requests come and go, and the file goes with the server`() throws {
    try withPath { path in
      try withServer(HTTPServerConfiguration(socketPath: path, workers: 2)) { server, handler in
        #expect(server.address == "unix://\(path)")
        #expect(server.port == 0)
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o660)
        let clients = try (0..<20).map { _ in try TestClient(path: path) }
        for (number, client) in clients.enumerated() {
          for route in ["/echo", "/thread"] {
            try client.send("POST", route, body: pattern(number * 50_000))
            #expect(try client.receive().body == pattern(number * 50_000))
          }
        }
        try clients[0].send("POST", "/echo", body: pattern(TestHandler.limit + 1))
        #expect(try clients[0].receive().status == 413)
        server.stopAccepting()
        #expect(!FileManager.default.fileExists(atPath: path))
      }
    }
  }

  @Test func `a socket that nobody listens on any more is replaced`() throws {
    try withPath { path in
      for _ in 0..<2 {
        let python = Process()
        python.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        python.arguments = [
          "python3", "-c", "import socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen()",
          path,
        ]
        try python.run()
        python.waitUntilExit()
        #expect(FileManager.default.fileExists(atPath: path))
        try withServer(HTTPServerConfiguration(socketPath: path, workers: 1)) { _, _ in
          let client = try TestClient(path: path)
          try client.send("POST", "/echo", body: [1])
          #expect(try client.receive().body == [1])
        }
      }
    }
  }

  @Test func `a socket that somebody listens on is not taken, nor is another file`() throws {
    try withPath { path in
      try withServer(HTTPServerConfiguration(socketPath: path, workers: 1)) { _, _ in
        #expect(failure(path) == "cannot listen on unix://\(path): Address already in use")
        let client = try TestClient(path: path)
        try client.send("POST", "/echo", body: [1])
        #expect(try client.receive().body == [1])
      }
      try "mine".write(toFile: path, atomically: false, encoding: .utf8)
      #expect(failure(path) == "cannot listen on unix://\(path): something else than a socket stands there")
      #expect(try String(contentsOfFile: path, encoding: .utf8) == "mine")
      #expect(failure(path + "/x")?.hasSuffix("Not a directory") == true)
      #expect(failure("/nowhere/x.sock")?.hasSuffix("No such file or directory") == true)
      #expect(failure("") == "cannot listen on unix://: No such file or directory")
      let long = "/tmp/" + String(repeating: "x", count: 103)
      #expect(failure(long)?.hasSuffix("the path of a Unix socket has at most 107 bytes") == true)
    }
  }

  @Test func `a file that stands there by the end and is somebody else's stays`() throws {
    try withPath { path in
      let server = try HTTPServer(configuration: HTTPServerConfiguration(socketPath: path), handler: TestHandler())
      try FileManager.default.removeItem(atPath: path)
      let next = try HTTPServer(configuration: HTTPServerConfiguration(socketPath: path), handler: TestHandler())
      server.stop()
      #expect(FileManager.default.fileExists(atPath: path))
      next.stop()
      #expect(!FileManager.default.fileExists(atPath: path))
    }
  }

  @Test func `silence and bodies that do not come are ended as on a port`() throws {
    try withPath { path in
      let timeouts = HTTPTimeouts(idle: .milliseconds(200), readHeader: .zero, read: .zero, write: .zero)
      try withServer(HTTPServerConfiguration(socketPath: path, workers: 1, timeouts: timeouts)) { server, handler in
        #expect(try TestClient(path: path).isClosedInOrder())
        let headers = try TestClient(path: path)
        try headers.send("POST /echo HTTP/1.1\r\n")
        headers.waitForEnd()
        let body = try TestClient(path: path)
        try body.send("POST", "/echo", headers: ["Content-Length: 10"])
        #expect(try body.receive().status == 408)
        #expect(waitUntil { handler.endings == [.idle, .idle, .idle] })
        #expect(waitUntil { server.statistics.openConnections == 0 })
      }
    }
  }
}
