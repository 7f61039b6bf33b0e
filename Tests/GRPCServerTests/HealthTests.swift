@testable import GRPCServer
import Locks
import TestSupport
import Testing

/// `grpc.health.v1.Health`.
struct HealthTests {
  private let check = "/grpc.health.v1.Health/Check"
  private let serving: [UInt8] = [0x08, 1]

  private func request(_ service: String) -> [UInt8] { [0x0A, UInt8(service.utf8.count)] + service.utf8 }

  @Test func `the server and its services are well until it stops`() throws {
    try withServer { server in
      let calls = try TestCalls(port: server.port)
      #expect(try calls.call(check, []).message == serving)
      #expect(try calls.call(check, request("test.Echo")).message == serving)
      #expect(try calls.call(check, request("test.Other")).message == nil)
      #expect(try calls.call(check, [0xFF]).message == nil)
      server.stopAccepting()
      #expect(try calls.call(check, []).message == [0x08, 2])
      #expect(try calls.call(echo, [1]).message == [1])
      #expect(eventually { server.statistics.callsInFlight == 0 })
    }
  }

  @Test func `watchers that have gone are forgotten, and others do not hold up the end`() throws {
    try withServer { server in
      for _ in 0..<20 {
        let calls = try TestCalls(port: server.port)
        let stream = try calls.begin("/grpc.health.v1.Health/Watch")
        try calls.send([], on: stream)
        #expect(try calls.receive(count: 7, on: stream) == TestCalls.prefix(2) + serving)
      }
      let calls = try TestCalls(port: server.port)
      let stream = try calls.begin("/grpc.health.v1.Health/Watch")
      try calls.send(request("test.Echo"), on: stream)
      #expect(try calls.receive(count: 7, on: stream) == TestCalls.prefix(2) + serving)
      let stop = BackgroundThread(name: "stop") { server.stop(timeout: .seconds(60)) }
      // Both messages, each but the first with its prefix.
      #expect(try calls.receive().reply.message == serving + TestCalls.prefix(2) + [0x08, 2])
      calls.waitForEnd()
      stop.join()
    }
  }

  @Test func `a request is read as any protobuf message is`() {
    let cases: [([UInt8], String?)] = [
      ([], ""), ([0x0A, 1, 0x61], "a"), ([0x0A, 1, 0x61, 0x0A, 1, 0x62], "b"), ([0x10, 0xFF, 1, 0x0A, 1, 0x61], "a"),
      ([0x12, 1, 0x61], ""), ([0x11, 1, 2, 3, 4, 5, 6, 7, 8], ""), ([0x15, 1, 2, 3, 4], ""), ([0x0A, 2, 0x61], nil),
      ([0x0A], nil), ([0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1], nil), ([0x0B], nil),
      ([2, 0], nil),
      ([0x80], nil), (Array(repeating: 0x80, count: 11), nil), ([0x15, 1], nil),
    ]
    for (bytes, service) in cases {
      #expect(bytes.withUnsafeBytes { HealthRequest.service(in: $0) } == service, "\(bytes)")
    }
  }
}
