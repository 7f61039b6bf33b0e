import CEpoll
import Glibc
import TestSupport
import Testing

@testable import GRPCServer

/// What becomes of connections whose end gRPC has missed. The test is in gRPC's place: it hears of events once, as they come.
struct ConnectionsTests {
  @Test func `a connection that was reset and is not closed brings another event at the second look`() throws {
    let connections = Connections()
    let pair = try SocketPair()
    #expect(connections.add(pair.server, limit: 1))
    let events = Events(of: pair.server)
    try pair.send([1, 2, 3])
    pair.reset()
    #expect(events.next(within: 60_000) & EPOLLHUP.rawValue != 0)
    // The event was about the bytes and the reset; whoever reads no more than the bytes waits for ever.
    #expect(pair.receive() == 3)
    #expect(events.next() == 0)

    connections.wakeDead()
    #expect(events.next() == 0)
    connections.wakeDead()
    #expect(events.next() & EPOLLHUP.rawValue != 0)
    #expect(pair.receive() == -ECONNRESET)
    #expect(connections.current == 1)
  }

  @Test func `connections that live, also in one direction only, are left alone`() throws {
    let connections = Connections()
    let (whole, half) = (try SocketPair(), try SocketPair())
    for pair in [whole, half] { #expect(connections.add(pair.server, limit: 2)) }
    half.endSending()
    let events = Events(of: half.server)
    #expect(events.next(within: 60_000) & EPOLLRDHUP.rawValue != 0)
    for _ in 0..<4 { connections.wakeDead() }
    #expect(events.next() == 0)
    for pair in [whole, half] { #expect(try pair.answers()) }
    #expect(connections.current == 2)
  }

  @Test func `a descriptor that has become another connection's is left alone`() throws {
    let connections = Connections()
    let old = try SocketPair()
    #expect(connections.add(old.server, limit: 1))
    old.reset()
    let hangup = Events(of: old.server)
    #expect(hangup.next(within: 60_000) & EPOLLHUP.rawValue != 0)
    connections.wakeDead()

    let new = try SocketPair()
    // As if gRPC had closed the old one and the system had given its number to the new one, which is dead as well.
    new.reset()
    #expect(dup2(new.server, old.server) == old.server)
    let events = Events(of: new.server)
    #expect(events.next(within: 60_000) & EPOLLHUP.rawValue != 0)
    for _ in 0..<4 { connections.wakeDead() }
    #expect(events.next() == 0)
    #expect(connections.current == 0)
  }
}

/// Both ends of a TCP connection.
private final class SocketPair {
  let server: Int32
  private let client: Int32
  private var isClosed = false

  init() throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(listener) }
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    let client = client
    server = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        guard bind(listener, address, length) == 0, listen(listener, 1) == 0,
          getsockname(listener, address, &length) == 0, connect(client, address, length) == 0
        else { return -1 }
        return accept(listener, nil, nil)
      }
    }
    try #require(server >= 0)
  }

  deinit {
    if !isClosed { close(client) }
    close(server)
  }

  func send(_ bytes: [UInt8]) throws {
    try #require(Glibc.send(client, bytes, bytes.count, 0) == bytes.count)
  }

  /// What one read of the server's end comes to: a number of bytes, or an error's, negative.
  func receive() -> Int {
    var bytes = [UInt8](repeating: 0, count: 100)
    let count = recv(server, &bytes, bytes.count, Int32(MSG_DONTWAIT))
    return count < 0 ? -Int(errno) : count
  }

  func endSending() { shutdown(client, Int32(SHUT_WR)) }

  func reset() {
    var now = linger(l_onoff: 1, l_linger: 0)
    setsockopt(client, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
    close(client)
    isClosed = true
  }

  /// Whether a byte gets from the server to the client.
  func answers() throws -> Bool {
    var byte: UInt8 = 7
    guard Glibc.send(server, &byte, 1, Int32(MSG_NOSIGNAL)) == 1 else { return false }
    return recv(client, &byte, 1, 0) == 1
  }
}

/// Events of a socket, each heard of once.
private final class Events {
  private let epoll = epoll_create1(0)

  init(of socket: Int32) {
    var event = epoll_event()
    event.events = EPOLLIN.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue
    epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event)
  }

  deinit {
    close(epoll)
  }

  /// Their bits; 0 when there is none in so many milliseconds.
  func next(within milliseconds: Int32 = 0) -> UInt32 {
    var event = epoll_event()
    return epoll_wait(epoll, &event, 1, milliseconds) == 1 ? event.events : 0
  }
}
