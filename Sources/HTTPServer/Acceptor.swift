import CHTTPServer
import Glibc
import Locks
import Synchronization

/// The listening socket and the thread that hands its connections to the workers.
///
/// Each goes to the worker with the fewest: daemons that share a listening socket often leave all long-lived
/// connections to whichever of them woke up first.
final class Acceptor: Sendable {
  let listener: ListeningSocket

  private let core: ServerCore
  private let wakeup: Wakeup
  private let isStopping = Atomic<Bool>(false)
  private let thread = Locked<BackgroundThread?>(nil)

  /// Binds and listens; nothing is accepted before `start`.
  init(core: ServerCore) throws(HTTPServerError) {
    self.core = core
    wakeup = try Wakeup()
    listener = try ListeningSocket(core.configuration)
  }

  deinit {
    stop()
  }

  func start(workers: [Worker]) {
    thread.withLock { $0 = BackgroundThread(name: "http-accept") { [self] in run(workers) } }
  }

  /// Closes the listening socket. Connections that are already established are handed on before.
  func stop() {
    guard !isStopping.exchange(true, ordering: .acquiringAndReleasing) else { return }
    wakeup.signal()
    thread.withLock { $0.take() }?.join()
    listener.close()
  }

  private func run(_ workers: [Worker]) {
    // Rotates, so that equally busy workers take turns.
    var turn = 0
    while true {
      // Read first: what was established before the stop is still accepted below.
      let isLastRound = isStopping.load(ordering: .acquiring)
      acceptAll(for: workers, turn: &turn)
      if isLastRound { return }
      var polled = [listener.descriptor, wakeup.descriptor].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
      poll(&polled, 2, -1)
    }
  }

  /// Accepts until nobody waits, at most as many as fit into the kernel's queue, so that a stop is noticed.
  private func acceptAll(for workers: [Worker], turn: inout Int) {
    for _ in 0..<Int(SOMAXCONN) {
      var address = chttp_address()
      let socket = chttp_accept(listener.descriptor, &address)
      switch -socket {
      case EAGAIN: return
      case EINTR, ECONNABORTED: continue
      case 1...:
        // Out of descriptors or memory: others have to give some back first.
        var polled = pollfd(fd: wakeup.descriptor, events: Int16(POLLIN), revents: 0)
        poll(&polled, 1, Self.backOff)
        return
      default: break
      }
      guard core.openConnections.load(ordering: .relaxed) < core.configuration.maxConnections else {
        turnAway(socket)
        continue
      }
      turn = (turn + 1) % workers.count
      let rotated = workers[turn...] + workers[..<turn]
      rotated.min { $0.openConnections < $1.openConnections }?.add(socket, from: &address)
    }
  }

  /// Tells a client that there are too many, so that it tries again later and not elsewhere.
  private func turnAway(_ socket: Int32) {
    core.handler.connectionEnded(.maxConnections)
    // Over TLS that would take a handshake, which costs more than most requests.
    guard core.configuration.certificate == nil else {
      close(socket)
      return
    }
    let reply = core.dressed(core.handler.reply(to: .tooManyConnections)).closingBytes
    reply.withUnsafeBytes { chttp_tell(socket, $0.baseAddress, $0.count) }
    core.linger.add(socket, ifFewerThan: Self.maxLingering)
  }

  /// Connections one too many that are given time to read the reply; further ones may see a reset instead. Few, since
  /// they take descriptors beyond those that are granted to connections.
  private static let maxLingering = 64

  /// Milliseconds to wait when the system has no more descriptors.
  private static let backOff: Int32 = 50
}
