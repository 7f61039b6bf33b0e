import Glibc
import Locks

/// Which connections of a server are open. gRPC, which owns them, does not tell when it closes one; but then their
/// descriptors are no longer the sockets that they were.
final class ConnectionCount: Sendable {
  /// Sockets by descriptor: the number that the kernel gave each, which it does not give to another one in the meantime.
  private let sockets = Locked<[Int32: UInt64]>([:])

  /// Adds a connection, if there are fewer than so many.
  func add(_ socket: Int32, limit: Int) -> Bool {
    sockets.withLock { sockets in
      if sockets.count >= limit { Self.forgetClosed(&sockets) }
      guard sockets.count < limit, let number = Self.number(of: socket) else { return false }
      sockets[socket] = number
      return true
    }
  }

  /// Connections that are open now.
  var current: Int {
    sockets.withLock { sockets in
      Self.forgetClosed(&sockets)
      return sockets.count
    }
  }

  private static func forgetClosed(_ sockets: inout [Int32: UInt64]) {
    sockets = sockets.filter { number(of: $0.key) == $0.value }
  }

  private static func number(of descriptor: Int32) -> UInt64? {
    var status = stat()
    return fstat(descriptor, &status) == 0 ? UInt64(status.st_ino) : nil
  }
}
