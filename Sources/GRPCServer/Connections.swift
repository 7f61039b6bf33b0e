import Glibc
import Locks

/// Which connections of a server are open. gRPC, which owns them, does not tell when it closes one; but then their
/// descriptors are no longer the sockets that they were.
final class Connections: Sendable {
  private struct State {
    /// Sockets by descriptor: the number that the kernel gave each, which it does not give to another one in the meantime.
    var sockets: [Int32: UInt64] = [:]
    /// Those that were found dead at the last look.
    var dead: [Int32: UInt64] = [:]
  }

  private let state = Locked(State())

  /// Adds a connection, if there are fewer than so many.
  func add(_ socket: Int32, limit: Int) -> Bool {
    state.withLock { state in
      if state.sockets.count >= limit { Self.forgetClosed(&state.sockets) }
      guard state.sockets.count < limit, let number = Self.number(of: socket) else { return false }
      state.sockets[socket] = number
      return true
    }
  }

  /// Connections that are open now.
  var current: Int {
    state.withLock { state in
      Self.forgetClosed(&state.sockets)
      return state.sockets.count
    }
  }

  /// Has gRPC look again at connections that a reset has ended and that it has not closed since the last call of this.
  ///
  /// A reset that comes together with a client's last bytes is lost on gRPC 1.51: it waits for the next event after it has
  /// read the bytes, since the kernel says that there are no more (`TCP_INQ`, which tells of an end in order but of no
  /// reset), and no event follows. `shutdown` brings one about, and cannot harm what is dead in both directions.
  func wakeDead() {
    state.withLock { state in
      Self.forgetClosed(&state.sockets)
      let before = state.dead
      state.dead = Self.dead(among: state.sockets)
      for (descriptor, number) in state.dead where before[descriptor] == number {
        // The descriptor is gRPC's, and may become another connection's at any moment; a second one of our own does not.
        let socket = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard socket >= 0 else { continue }
        if Self.number(of: socket) == number { shutdown(socket, Int32(SHUT_RDWR)) }
        close(socket)
      }
    }
  }

  private static func dead(among sockets: [Int32: UInt64]) -> [Int32: UInt64] {
    var polled = sockets.keys.map { pollfd(fd: $0, events: 0, revents: 0) }
    guard poll(&polled, nfds_t(polled.count), 0) > 0 else { return [:] }
    let dead = polled.lazy.filter { $0.revents & Int16(POLLHUP) != 0 }.map(\.fd)
    return Dictionary(uniqueKeysWithValues: dead.compactMap { fd in sockets[fd].map { (fd, $0) } })
  }

  private static func forgetClosed(_ sockets: inout [Int32: UInt64]) {
    sockets = sockets.filter { number(of: $0.key) == $0.value }
  }

  private static func number(of descriptor: Int32) -> UInt64? {
    var status = stat()
    return fstat(descriptor, &status) == 0 ? UInt64(status.st_ino) : nil
  }
}
