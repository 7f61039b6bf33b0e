@testable import Collector
import Foundation
import Testing

/// What a service manager hears.
struct ServiceNotifierTests {
  /// A datagram socket of a service manager.
  private final class Manager {
    private let descriptor: Int32

    init(_ name: String) throws {
      descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name.utf8) }
      if name.hasPrefix("@") { withUnsafeMutableBytes(of: &address.sun_path) { $0[0] = 0 } }
      let length = socklen_t(MemoryLayout<sa_family_t>.size + name.utf8.count + (name.hasPrefix("@") ? 0 : 1))
      let status = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
      }
      try #require(status == 0)
    }

    deinit { close(descriptor) }

    /// The next message; empty when there is none.
    func receive() -> String {
      var bytes = [UInt8](repeating: 0, count: 4096)
      let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
      return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    }
  }

  @Test(arguments: [false, true])
  func `every state is a message of its own, to a path and to an abstract name`(isAbstract: Bool) throws {
    let id = UUID().uuidString
    let path = FileManager.default.temporaryDirectory.appending(path: "n-\(id)").path
    let name = isAbstract ? "@heirloom-\(id)" : path
    let manager = try Manager(name)
    defer { unlink(path) }
    let notifier = ServiceNotifier(socketName: name)
    notifier.tell(.ready, status: "receiving on 127.0.0.1:4318")
    #expect(manager.receive() == "READY=1\nSTATUS=receiving on 127.0.0.1:4318")
    notifier.tell(.reloading, status: "changing")
    let message = manager.receive()
    #expect(message.wholeMatch(of: #/RELOADING=1\nMONOTONIC_USEC=\d+\nSTATUS=changing/#) != nil, "\(message)")
    notifier.tell(.stopping, status: "draining")
    #expect(manager.receive() == "STOPPING=1\nSTATUS=draining")
    #expect(manager.receive() == "")
  }

  @Test func `without a manager, or with one that cannot be, nothing happens`() {
    for name in [nil, "", "@", "relative", "/nonexistent/socket", "/" + String(repeating: "x", count: 200)] {
      ServiceNotifier(socketName: name).tell(.ready, status: "x")
    }
  }

  @Test func `a collector says when it is ready, while it changes, and when it ends`() throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "n-\(UUID().uuidString)").path
    let manager = try Manager(path)
    defer { unlink(path) }
    let yaml = """
      receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}
      exporters: {debug: {verbosity: basic}}
      service:
        telemetry: {metrics: {level: none}}
        pipelines: {traces: {receivers: [otlp], exporters: [debug]}}
      """
    let running = try RunningCollector(yaml, notifier: ServiceNotifier(socketName: path))
    #expect(manager.receive() == "")
    try running.start()
    let port = try #require(running.ports("receiving OTLP").first)
    #expect(manager.receive() == "READY=1\nSTATUS=receiving on 127.0.0.1:\(port)")
    try running.reload(yaml)
    #expect(manager.receive().hasPrefix("RELOADING=1\n"))
    #expect(manager.receive() == "READY=1\nSTATUS=receiving on 127.0.0.1:\(port)")
    running.stop()
    #expect(manager.receive().hasPrefix("STOPPING=1\n"))
    #expect(manager.receive() == "")
  }
}
