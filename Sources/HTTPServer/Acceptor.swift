import CHTTPServer
import Locks
import Synchronization

/// Hands new connections to the workers.
///
/// Each goes to the worker with the fewest: daemons that share a listening socket often leave all long-lived
/// connections to whichever of them woke up first.
final class Acceptor: Sendable {
  private let core: ServerCore
  private let socket: ListeningSocket
  /// Rotates, so that equally busy workers take turns.
  private let turn = Atomic<Int>(0)

  /// Binds and listens; nothing is accepted before `start`.
  init(core: ServerCore) throws(HTTPServerError) {
    self.core = core
    let configuration = core.configuration
    socket =
      if let path = configuration.socketPath {
        try ListeningSocket(path: path)
      } else {
        try ListeningSocket(host: configuration.host, port: configuration.port)
      }
  }

  /// What the system really bound.
  var port: UInt16 { socket.port }
  var address: String { socket.address }

  func start(workers: [Worker]) {
    socket.start(name: "http-accept") { [self] socket, peer in handOn(socket, from: &peer.address, to: workers) }
  }

  /// Closes the listening socket. Connections that are already established are handed on before.
  func stop() { socket.stop() }

  private func handOn(_ socket: Int32, from address: inout chttp_address, to workers: [Worker]) {
    guard core.openConnections.load(ordering: .relaxed) < core.configuration.maxConnections else {
      return turnAway(socket)
    }
    let turn = turn.wrappingAdd(1, ordering: .relaxed).newValue % workers.count
    let rotated = workers[turn...] + workers[..<turn]
    rotated.min { $0.openConnections < $1.openConnections }?.add(socket, from: &address)
  }

  /// Tells a client that there are too many, so that it tries again later and not elsewhere.
  private func turnAway(_ socket: Int32) {
    core.handler.connectionEnded(.maxConnections)
    // Over TLS that would take a handshake, which costs more than most requests.
    guard core.configuration.certificate == nil else { return ListeningSocket.turnAway(socket) }
    let reply = core.dressed(core.handler.reply(to: .tooManyConnections, of: nil)).closingBytes
    reply.withUnsafeBytes { chttp_tell(socket, $0.baseAddress, $0.count) }
    core.linger.add(socket, ifFewerThan: Self.maxLingering)
  }

  /// Connections one too many that are given time to read the reply; further ones may see a reset instead. Few, since
  /// they take descriptors beyond those that are granted to connections.
  private static let maxLingering = 64
}
