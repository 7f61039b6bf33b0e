import HTTPServer
import Locks

/// A gRPC server for unary calls whose messages are bytes to it, and for questions about its health.
///
/// gRPC's own core reads and writes; connections are accepted here, where they can be counted. One completion queue is served
/// by as many threads as are configured.
package final class GRPCServer: Sendable {
  /// Where it listens, as in `127.0.0.1:4317` or `[::1]:4317`.
  package var address: String { socket.address }
  /// The port that is listened on, also when the configuration left it to the system.
  package var port: UInt16 { socket.port }

  private let core: ServerCore
  private let socket: ListeningSocket
  private let connections = Connections()
  /// Looks at the connections; from the start to the stop.
  private let watch = Locked<RepeatingThread?>(nil)
  /// How long a connection is left to gRPC that a reset has ended: twice that at most, in nanoseconds.
  private static let watchInterval = Duration.seconds(5).nanoseconds
  private let phase = Locked(Phase.bound)

  private enum Phase {
    case bound, running, stopped
  }

  /// Binds the address and listens on it. Connections wait until `start`.
  ///
  /// - Parameters:
  ///   - configuration: where to listen and what to grant.
  ///   - services: full names, for questions about health.
  ///   - handler: answers the calls; kept until the last one is answered.
  /// - Throws: when nobody can listen there, or when TLS lacks what it needs.
  package init(configuration: GRPCServerConfiguration, services: [String], handler: any GRPCHandler)
    throws(GRPCServerError)
  {
    do {
      socket = try ListeningSocket(host: configuration.host, port: configuration.port)
    } catch {
      throw .cannotListen("\(error)")
    }
    core = try ServerCore(configuration: configuration, services: services, handler: handler)
  }

  deinit {
    stop(timeout: .zero)
  }

  /// Takes connections from now on.
  package func start() {
    let isFirst = phase.withLock { phase in
      defer { phase = .running }
      return phase == .bound
    }
    precondition(isFirst, "a server is started once")
    core.start()
    // Nobody waits for their end, which is that of the last call, whenever that is answered.
    for _ in 0..<core.configuration.threads { _ = BackgroundThread(name: "grpc") { [core] in core.serve() } }
    let watch = RepeatingThread(name: "grpc-watch", every: Self.watchInterval) {
      [connections] in connections.wakeDead()
    }
    self.watch.withLock { $0 = watch }
    let limit = DescriptorLimit.connections(wanted: core.configuration.maxConnections)
    socket.start(name: "grpc-accept") { [core, connections] descriptor, _ in
      if connections.add(descriptor, limit: limit) {
        core.add(descriptor)
      } else {
        // First: who sees the connection close may look at the count at once.
        core.handler.connectionRefused()
        ListeningSocket.turnAway(descriptor)
      }
    }
  }

  /// Closes the listening socket, and says that calls are not welcome any more. Those on open connections are still taken.
  package func stopAccepting() {
    core.health.stopServing()
    socket.stop()
  }

  /// Stops accepting, takes no more calls, waits for the answers that are still owed, then closes all connections. The server
  /// cannot be started again. Not to be called by a handler during a call.
  ///
  /// - Parameter timeout: the longest wait for handlers and for slow clients. Calls unanswered by then are given up: an answer
  ///   that comes later goes nowhere.
  package func stop(timeout: Duration = .seconds(5)) {
    stopAccepting()
    core.health.end()
    phase.withLock { phase in
      guard phase != .stopped else { return }
      phase = .stopped
      core.stop(timeout: timeout)
    }
    watch.withLock { $0.take() }?.stop()
  }
}

/// How busy a `GRPCServer` is.
package struct GRPCServerStatistics: Sendable {
  package let openConnections: Int
  /// Calls whose metadata have been read and that have not been answered, those about health left out.
  package let callsInFlight: Int
  /// Bytes of memory in messages (and other buffers of the pool) that somebody holds, but for those that lie where gRPC read
  /// them.
  package let messageBytes: Int
}

extension GRPCServer {
  package var statistics: GRPCServerStatistics {
    GRPCServerStatistics(
      openConnections: connections.current, callsInFlight: core.callsInFlight, messageBytes: core.pool.bytesInUse)
  }
}
