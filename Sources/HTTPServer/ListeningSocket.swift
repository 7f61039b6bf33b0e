import CHTTPServer
import Glibc
import Locks
import Synchronization

/// A listening socket, and the thread that accepts its connections.
package final class ListeningSocket: Sendable {
  /// What the system really bound; 0 for a Unix socket.
  package let port: UInt16
  /// As in `127.0.0.1:4318`, `[::1]:4318` or `unix:///run/heirloom/otlp.sock`.
  package let address: String

  private let listener: Int32
  /// A Unix socket's file, to be removed at the end.
  private let file: (path: String, id: chttp_file_id)?
  private let wakeup: Wakeup
  private let isStopping = Atomic<Bool>(false)
  private let thread = Locked<BackgroundThread?>(nil)

  /// Where a connection comes from.
  package struct Peer {
    var address = chttp_address()
  }

  /// Binds and listens; nothing is accepted before `start`.
  ///
  /// - Parameters:
  ///   - host: an IPv4 or IPv6 address (without brackets) or a name; empty for all addresses.
  ///   - port: 0 has the system pick one.
  /// - Throws: when the address is in use, or no address of this machine, or no address at all.
  package init(host: String, port: UInt16) throws(HTTPServerError) {
    wakeup = try Wakeup()
    var bound: UInt16 = 0
    var reason: UnsafePointer<CChar>?
    listener = chttp_listen(host, port, &bound, &reason)
    file = nil
    self.port = bound
    address = Self.describe(host: host, port: bound)
    if listener < 0 {
      throw .cannotListen(
        address: Self.describe(host: host, port: port), reason: reason.map { String(cString: $0) } ?? "no reason given")
    }
  }

  /// The same at a Unix socket: a file that its owner and group may connect to. It replaces one that nobody listens on.
  ///
  /// - Throws: when somebody listens there, or the file cannot be made.
  package init(path: String) throws(HTTPServerError) {
    wakeup = try Wakeup()
    var id = chttp_file_id()
    var reason: UnsafePointer<CChar>?
    listener = chttp_listen_unix(path, &id, &reason)
    file = (path, id)
    port = 0
    address = "unix://\(path)"
    if listener < 0 {
      throw .cannotListen(address: address, reason: reason.map { String(cString: $0) } ?? "no reason given")
    }
  }

  deinit {
    stop()
  }

  /// Accepts from now on, until `stop`, without which it goes on for ever.
  ///
  /// - Parameters:
  ///   - name: the thread's.
  ///   - take: becomes the owner of a connected socket that does not block. Called on that thread.
  package func start(name: String, _ take: @escaping @Sendable (Int32, inout Peer) -> Void) {
    thread.withLock { $0 = BackgroundThread(name: name) { [self] in run(take) } }
  }

  /// Closes the socket. Connections that are already established are handed on before.
  package func stop() {
    guard !isStopping.exchange(true, ordering: .acquiringAndReleasing) else { return }
    wakeup.signal()
    thread.withLock { $0.take() }?.join()
    guard listener >= 0 else { return }
    // In this order: while the socket is open its file's number is nobody else's.
    if let file { withUnsafePointer(to: file.id) { chttp_unlisten(file.path, $0) } }
    close(listener)
  }

  /// Closes a connection that was accepted, unanswered.
  package static func turnAway(_ socket: Int32) { close(socket) }

  private func run(_ take: (Int32, inout Peer) -> Void) {
    while true {
      // Read first: what was established before the stop is still accepted below.
      let isLastRound = isStopping.load(ordering: .acquiring)
      acceptAll(take)
      if isLastRound { return }
      var polled = [listener, wakeup.descriptor].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
      poll(&polled, 2, -1)
    }
  }

  /// Accepts until nobody waits, at most as many as fit into the kernel's queue, so that a stop is noticed.
  private func acceptAll(_ take: (Int32, inout Peer) -> Void) {
    for _ in 0..<Int(SOMAXCONN) {
      var peer = Peer()
      let socket = chttp_accept(listener, &peer.address)
      switch -socket {
      case EAGAIN: return
      case EINTR, ECONNABORTED: continue
      case 1...:
        // Out of descriptors or memory: others have to give some back first.
        var polled = pollfd(fd: wakeup.descriptor, events: Int16(POLLIN), revents: 0)
        poll(&polled, 1, Self.backOff)
        return
      default: take(socket, &peer)
      }
    }
  }

  private static func describe(host: String, port: UInt16) -> String {
    host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
  }

  /// Milliseconds to wait when the system has no more descriptors.
  private static let backOff: Int32 = 50
}
