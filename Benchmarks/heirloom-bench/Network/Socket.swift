import Glibc

/// A numeric IPv4 address with a port: the benchmark never leaves the machine.
struct Endpoint: Sendable, CustomStringConvertible {
  let host: String
  let port: UInt16

  static func loopback(_ port: UInt16) -> Endpoint {
    Endpoint(host: "127.0.0.1", port: port)
  }

  init(host: String, port: UInt16) {
    self.host = host
    self.port = port
  }

  /// - Parameter text: `host:port`.
  /// - Throws: when the text is no such thing, or the host is not on this machine.
  init(_ text: String) throws {
    let parts = text.split(separator: ":")
    guard parts.count == 2, let port = UInt16(parts[1]) else {
      throw BenchError("\"\(text)\" is not host:port")
    }
    let host = parts[0] == "localhost" ? "127.0.0.1" : String(parts[0])
    guard host.hasPrefix("127.") else { throw BenchError("\(host) is not a loopback address") }
    self.init(host: host, port: port)
  }

  var description: String { "\(host):\(port)" }

  fileprivate func withAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    inet_pton(AF_INET, host, &address.sin_addr)
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
  }
}

/// A blocking TCP socket, closed with its last owner.
final class Socket: Sendable {
  let descriptor: Int32

  private init(descriptor: Int32) {
    self.descriptor = descriptor
  }

  deinit {
    close(descriptor)
  }

  /// Connects; a read or a write that does not go on for `patience` seconds fails later. Throws when nobody accepts.
  static func connect(to endpoint: Endpoint, patience: Int) throws -> Socket {
    let socket = try make()
    let status = endpoint.withAddress { Glibc.connect(socket.descriptor, $0, $1) }
    guard status == 0 else { throw failure("connect to \(endpoint)") }
    socket.configure(patience: patience)
    return socket
  }

  /// Listens; with port 0 the system picks one. Throws when the port is taken.
  static func listen(at endpoint: Endpoint) throws -> Socket {
    let socket = try make()
    var yes: Int32 = 1
    setsockopt(socket.descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
    guard endpoint.withAddress({ bind(socket.descriptor, $0, $1) }) == 0, Glibc.listen(socket.descriptor, 128) == 0
    else { throw failure("listen at \(endpoint)") }
    return socket
  }

  /// The next connection; nil when the socket was shut down.
  func accept(patience: Int) -> Socket? {
    while true {
      let descriptor = Glibc.accept(descriptor, nil, nil)
      if descriptor >= 0 {
        let socket = Socket(descriptor: descriptor)
        socket.configure(patience: patience)
        return socket
      }
      guard errno == EINTR || errno == ECONNABORTED else { return nil }
    }
  }

  /// The port that the socket is bound to.
  var port: UInt16 {
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) {
      _ = $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    return UInt16(bigEndian: address.sin_port)
  }

  /// Wakes whoever reads, writes or accepts: they fail from now on.
  func shutDown() {
    shutdown(descriptor, Int32(SHUT_RDWR))
  }

  /// - Parameters:
  ///   - bytes: all of them are sent.
  ///   - moreFollows: lets the system wait for what comes next before it fills a packet only half.
  /// - Throws: when not everything could be written.
  func send(_ bytes: UnsafeRawBufferPointer, moreFollows: Bool = false) throws {
    let flags = Int32(MSG_NOSIGNAL) | (moreFollows ? Int32(MSG_MORE) : 0)
    var sent = 0
    while sent < bytes.count {
      let count = Glibc.send(descriptor, bytes.baseAddress! + sent, bytes.count - sent, flags)
      if count < 0 {
        if errno == EINTR { continue }
        throw Self.failure("send")
      }
      sent += count
    }
  }

  func send(_ text: String, moreFollows: Bool = false) throws {
    var text = text
    try text.withUTF8 { try send(UnsafeRawBufferPointer($0), moreFollows: moreFollows) }
  }

  /// Bytes that were read, at least one; 0 at the end of the stream.
  ///
  /// - Throws: when the connection broke, or was silent for too long.
  func receive(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    while true {
      let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
      if count >= 0 { return count }
      guard errno == EINTR else { throw Self.failure("receive") }
    }
  }

  private func configure(patience: Int) {
    var yes: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
    var limit = timeval(tv_sec: patience, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  /// Close-on-exec: the collector inherits no socket of ours.
  private static func make() throws -> Socket {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw failure("socket") }
    return Socket(descriptor: descriptor)
  }

  private static func failure(_ what: String) -> BenchError {
    BenchError("\(what): \(String(cString: strerror(errno)))")
  }
}
