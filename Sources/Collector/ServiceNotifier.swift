import Glibc
import Locks

/// Tells the service manager how the process is doing, in systemd's way: a datagram to the socket that `NOTIFY_SOCKET`
/// names. Without one, or if nobody listens there, nothing happens.
struct ServiceNotifier: Sendable {
  enum State {
    /// Requests are taken.
    case ready
    /// The configuration is being exchanged; `ready` follows, whatever comes of it.
    case reloading
    case stopping
  }

  private let socketName: String?

  /// - Parameter socketName: the path of a Unix socket; with an `@` in front, a name in the abstract space.
  init(socketName: String? = getenv("NOTIFY_SOCKET").map { String(cString: $0) }) {
    self.socketName = socketName
  }

  /// - Parameters:
  ///   - state: what the process does from now on.
  ///   - status: the same for a person, in one line.
  func tell(_ state: State, status: String) {
    let lines =
      switch state {
      case .ready: ["READY=1"]
      case .reloading: ["RELOADING=1", "MONOTONIC_USEC=\(MonotonicClock.now() / 1000)"]
      case .stopping: ["STOPPING=1"]
      }
    send((lines + ["STATUS=\(status)"]).joined(separator: "\n"))
  }

  private func send(_ message: String) {
    guard let socketName, var address = Self.address(of: socketName) else { return }
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    // A manager that does not read must not stop the work.
    var patience = timeval(tv_sec: 1, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    let bytes = Array(message.utf8)
    let length = address.length
    withUnsafePointer(to: &address.name) { name in
      name.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
        _ = sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), name, length)
      }
    }
  }

  /// Nil for a name that no Unix socket can have.
  private static func address(of name: String) -> (name: sockaddr_un, length: socklen_t)? {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(name.utf8)
    let isAbstract = name.hasPrefix("@")
    let room = MemoryLayout.size(ofValue: address.sun_path)
    guard isAbstract || name.hasPrefix("/"), bytes.count > 1, bytes.count < room else { return nil }
    withUnsafeMutableBytes(of: &address.sun_path) { path in
      path.copyBytes(from: bytes)
      if isAbstract { path[0] = 0 }
    }
    // An abstract name ends where its length says, a path with a zero.
    let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path)!
    return (address, socklen_t(offset + bytes.count + (isAbstract ? 0 : 1)))
  }
}
