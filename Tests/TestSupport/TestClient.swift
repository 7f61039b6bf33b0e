import Glibc

/// The connection ended, or never came about.
package struct ConnectionLost: Error {
  /// The system's error number; 0 when the peer ended the connection in order.
  package let code: Int32
}

/// A client that sends exactly the bytes it is told to, over one connection.
package final class TestClient: @unchecked Sendable {
  // Sendable: one test at a time uses it; a test that sends and receives on two threads does just one on each.

  /// A reply as it came over the wire.
  package struct Reply: Equatable {
    package var status: Int
    /// Names in lower case.
    package var headers: [String: String]
    package var body: [UInt8]

    package var text: String { String(decoding: body, as: UTF8.self) }
    package var closes: Bool { headers["connection"]?.lowercased() == "close" }
  }

  private let socket: Int32
  private var received: [UInt8] = []

  /// Connects, to `::1` when told so. Nothing waits longer than a minute for the server.
  package init(port: UInt16, ipv6: Bool = false, onceOpen: (Int32) -> Void = { _ in }) throws(ConnectionLost) {
    socket = Self.open(ipv6 ? AF_INET6 : AF_INET)
    onceOpen(socket)
    let status: Int32
    if ipv6 {
      var address = sockaddr_in6()
      address.sin6_family = sa_family_t(AF_INET6)
      address.sin6_port = port.bigEndian
      address.sin6_addr = in6addr_loopback
      status = Self.connect(socket, &address)
    } else {
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = port.bigEndian
      address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      status = Self.connect(socket, &address)
    }
    if status != 0 { throw ConnectionLost(code: errno) }
  }

  /// Connects to a Unix socket.
  package init(path: String) throws(ConnectionLost) {
    socket = Self.open(AF_UNIX)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
    if Self.connect(socket, &address) != 0 { throw ConnectionLost(code: errno) }
  }

  deinit {
    close(socket)
  }

  private static func open(_ family: Int32) -> Int32 {
    let socket = Glibc.socket(family, Int32(SOCK_STREAM.rawValue), 0)
    var patience = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    return socket
  }

  private static func connect<Address>(_ socket: Int32, _ address: inout Address) -> Int32 {
    withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(socket, $0, socklen_t(MemoryLayout<Address>.size))
      }
    }
  }

  // MARK: - Sending

  /// Sends bytes as they are.
  package func send(_ bytes: [UInt8]) throws(ConnectionLost) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      // The process was stopped meanwhile, and goes on.
      if count < 0, errno == EINTR { continue }
      if count < 0 { throw ConnectionLost(code: errno) }
      rest = rest.dropFirst(count)
    }
  }

  /// Sends a text as it is.
  package func send(_ text: String) throws(ConnectionLost) {
    try send(Array(text.utf8))
  }

  /// Sends one request; a body brings its length.
  package func send(
    _ method: String, _ path: String, host: String = "test", headers: [String] = [], body: [UInt8]? = nil
  ) throws(ConnectionLost) {
    let length = body.map { ["Content-Length: \($0.count)"] } ?? []
    let lines = ["\(method) \(path) HTTP/1.1", "Host: \(host)"] + headers + length
    try send(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + (body ?? []))
  }

  /// One body as chunks of these sizes, the last size again and again.
  package func sendChunked(_ path: String, headers: [String] = [], body: [UInt8], sizes: [Int]) throws(ConnectionLost) {
    var bytes = Array(
      (["POST \(path) HTTP/1.1", "Host: test", "Transfer-Encoding: chunked"] + headers).joined(separator: "\r\n").utf8)
    bytes += Array("\r\n\r\n".utf8)
    var rest = body[...]
    var turn = 0
    while !rest.isEmpty {
      let chunk = rest.prefix(sizes[min(turn, sizes.count - 1)])
      bytes += Array("\(String(chunk.count, radix: 16));note=x\r\n".utf8) + chunk + Array("\r\n".utf8)
      rest = rest.dropFirst(chunk.count)
      turn += 1
    }
    try send(bytes + Array("0\r\nTrailer: y\r\n\r\n".utf8))
  }

  /// Says that no more bytes will come.
  package func finishSending() {
    shutdown(socket, Int32(SHUT_WR))
  }

  // MARK: - Receiving

  /// The next reply, of any status. The reply to a `HEAD` has no body, whatever its length says.
  package func receive(toHead: Bool = false) throws(ConnectionLost) -> Reply {
    var separator: Range<Int>?
    while true {
      separator = received.firstRange(of: Array("\r\n\r\n".utf8))
      if separator != nil { break }
      try receiveMore()
    }
    guard let separator else { throw ConnectionLost(code: 0) }
    let lines = String(decoding: received[..<separator.lowerBound], as: UTF8.self).split(separator: "\r\n")
    received.removeFirst(separator.upperBound)
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      headers[parts[0].lowercased()] = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
    }
    let status = Int(lines[0].split(separator: " ")[1]) ?? 0
    let count = toHead || status < 200 ? 0 : headers["content-length"].flatMap { Int($0) } ?? 0
    while received.count < count { try receiveMore() }
    defer { received.removeFirst(count) }
    return Reply(status: status, headers: headers, body: Array(received.prefix(count)))
  }

  /// The next bytes, whatever they are.
  package func receive(count: Int) throws(ConnectionLost) -> [UInt8] {
    while received.count < count { try receiveMore() }
    defer { received.removeFirst(count) }
    return Array(received.prefix(count))
  }

  /// Waits for the server to close: whether it does so without another byte, and not by a reset.
  package func isClosedInOrder() -> Bool {
    do {
      try receiveMore()
      return false
    } catch {
      return error.code == 0 && received.isEmpty
    }
  }

  /// Waits for the connection's end, whatever comes before and however it ends.
  package func waitForEnd() {
    while true {
      do { try receiveMore() } catch { return }
    }
  }

  private func receiveMore() throws(ConnectionLost) {
    var buffer = [UInt8](repeating: 0, count: 65536)
    var count: Int
    repeat { count = recv(socket, &buffer, buffer.count, 0) } while count < 0 && errno == EINTR
    if count <= 0 { throw ConnectionLost(code: count == 0 ? 0 : errno) }
    received += buffer.prefix(count)
  }
}
