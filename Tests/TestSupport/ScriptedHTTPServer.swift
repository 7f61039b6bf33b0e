import Glibc
import Locks

/// An HTTP/1.1 server on the loopback interface that does what a test tells it to, well-behaved or not.
package final class ScriptedHTTPServer: @unchecked Sendable {
  // Sendable: the mutable properties are touched under `lock`.

  package struct Request: Sendable {
    package let method: String
    package let target: String
    /// Names in lower case.
    package let headers: [(name: String, value: String)]
    package let body: [UInt8]
    /// Counts the connections, from 0.
    package let connection: Int

    package func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
  }

  package enum Reply: Sendable {
    case answer(Int, headers: [String] = [], body: [UInt8] = [])
    /// Waits for the gate before the answer.
    case answerAfter(Gate, Int)
    /// Announces more bytes than it sends, and breaks the connection.
    case breakWithinBody(Int)
    /// Ends the connection where an answer should be.
    case closeWithoutAnswer
    /// Answers, and ends the connection that it could have kept.
    case answerAndClose(Int)
  }

  /// Something that stays shut until a test opens it.
  package final class Gate: @unchecked Sendable {
    private let lock = Lock()
    private var isOpen = false

    package init() {}

    package func open() {
      lock.withLock {
        isOpen = true
        lock.wakeAll()
      }
    }

    fileprivate func wait() {
      lock.withLock { while !isOpen { lock.wait() } }
    }
  }

  package let port: Int
  package let requests = Collected<Request>()

  private let listener: Int32
  private let reply: @Sendable (Int, Request) -> Reply
  private let lock = Lock()
  private var isStopping = false
  private var connections: [Int: Int32] = [:]
  private var connectionCount = 0
  private var gates: [Gate] = []
  private var threads: [BackgroundThread] = []
  private var count = 0

  /// Listens at once.
  ///
  /// - Parameters:
  ///   - port: 0 for one that the system picks.
  ///   - reply: to the request of that number, from 0.
  package init(port: Int = 0, reply: @escaping @Sendable (Int, Request) -> Reply) {
    self.reply = reply
    guard let (listener, port) = Self.listen(port) else { fatalError("cannot listen on port \(port): \(errno)") }
    self.listener = listener
    self.port = port
    let thread = BackgroundThread(name: "test-accept") { self.accept() }
    lock.withLock { threads.append(thread) }
  }

  /// Answers the first requests as listed, and every later one like the last of them.
  package convenience init(port: Int = 0, _ replies: [Reply]) {
    self.init(port: port) { number, _ in replies[min(number, replies.count - 1)] }
  }

  package var url: String { "http://127.0.0.1:\(port)" }

  /// Breaks every connection and waits for the threads.
  package func stop() {
    lock.withLock {
      isStopping = true
      for gate in gates { gate.open() }
      for connection in connections.values { shutdown(connection, Int32(SHUT_RDWR)) }
    }
    shutdown(listener, Int32(SHUT_RDWR))
    while let thread = lock.withLock({ threads.popLast() }) { thread.join() }
    close(listener)
  }

  /// A port where nobody listens, nor comes to: Linux gives higher ones to whoever asks for none, as other tests' servers do.
  package static func unusedPort() -> Int {
    while true {
      guard let (listener, port) = listen(.random(in: 10_000..<32_768)) else { continue }
      close(listener)
      return port
    }
  }

  private static func listen(_ port: Int) -> (Int32, Int)? {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var yes: Int32 = 1
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, 4)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) | Glibc.listen(listener, 128) | getsockname(listener, $0, &length)
      }
    }
    guard status == 0 else {
      close(listener)
      return nil
    }
    return (listener, Int(UInt16(bigEndian: address.sin_port)))
  }

  private func accept() {
    while true {
      let connection = Glibc.accept(listener, nil, nil)
      guard connection >= 0 else { return }
      lock.withLock {
        guard !isStopping else {
          _ = close(connection)
          return
        }
        let number = connectionCount
        connectionCount += 1
        connections[number] = connection
        threads.append(BackgroundThread(name: "test-connection") { self.serve(connection, number) })
      }
    }
  }

  private func serve(_ connection: Int32, _ number: Int) {
    var stream = RequestStream(connection)
    while let request = stream.next(connection: number) {
      let index = lock.withLock {
        defer { count += 1 }
        return count
      }
      let reply = reply(index, request)
      requests.append(request)
      guard perform(reply, on: connection) else { break }
    }
    lock.withLock {
      connections[number] = nil
      close(connection)
    }
  }

  /// False when the connection is to be ended.
  private func perform(_ reply: Reply, on connection: Int32) -> Bool {
    switch reply {
    case .answer(let status, let headers, let body):
      return send(status, headers, body, on: connection)
    case .answerAfter(let gate, let status):
      lock.withLock {
        gates.append(gate)
        if isStopping { gate.open() }
      }
      gate.wait()
      return send(status, [], [], on: connection)
    case .breakWithinBody(let status):
      let head = "HTTP/1.1 \(status) Broken\r\nContent-Length: 100\r\n\r\nonly a part"
      _ = write(Array(head.utf8), on: connection)
      var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
      setsockopt(connection, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
      return false
    case .closeWithoutAnswer:
      return false
    case .answerAndClose(let status):
      _ = send(status, [], [], on: connection)
      return false
    }
  }

  private func send(_ status: Int, _ headers: [String], _ body: [UInt8], on connection: Int32) -> Bool {
    let lines = ["HTTP/1.1 \(status) Scripted", "Content-Length: \(body.count)"] + headers
    return write(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body, on: connection)
  }

  private func write(_ bytes: [UInt8], on connection: Int32) -> Bool {
    var offset = 0
    while offset < bytes.count {
      let sent = bytes.withUnsafeBytes {
        Glibc.send(connection, $0.baseAddress! + offset, $0.count - offset, Int32(MSG_NOSIGNAL))
      }
      guard sent > 0 else { return false }
      offset += sent
    }
    return true
  }
}

/// Requests of one connection, one after the other.
private struct RequestStream {
  private let connection: Int32
  private var bytes: [UInt8] = []

  init(_ connection: Int32) {
    self.connection = connection
  }

  /// Nil when the peer has ended the connection.
  mutating func next(connection number: Int) -> ScriptedHTTPServer.Request? {
    let end = Array("\r\n\r\n".utf8)
    var head: [UInt8]?
    while head == nil {
      if let start = (0...max(bytes.count - end.count, 0)).first(where: { Array(bytes.dropFirst($0).prefix(4)) == end })
      {
        head = Array(bytes[..<start])
        bytes.removeFirst(start + end.count)
      } else if !receive() {
        return nil
      }
    }
    let lines = String(decoding: head ?? [], as: UTF8.self).split(separator: "\r\n").map(String.init)
    let start = (lines.first ?? "").split(separator: " ").map(String.init)
    guard start.count == 3 else { return nil }
    let headers = lines.dropFirst().map { line in
      let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      return (parts[0].lowercased(), parts.count > 1 ? String(parts[1].drop { $0 == " " }) : "")
    }
    let length = headers.first { $0.0 == "content-length" }.flatMap { Int($0.1) } ?? 0
    while bytes.count < length { guard receive() else { return nil } }
    defer { bytes.removeFirst(length) }
    return ScriptedHTTPServer.Request(
      method: start[0], target: start[1], headers: headers.map { (name: $0.0, value: $0.1) },
      body: Array(bytes[..<length]), connection: number)
  }

  private mutating func receive() -> Bool {
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    let count = recv(connection, &chunk, chunk.count, 0)
    if count > 0 { bytes.append(contentsOf: chunk[..<count]) }
    return count > 0
  }
}
