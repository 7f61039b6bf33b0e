import Locks
import Synchronization

/// An HTTP/1.1 server: one accepting thread, and workers that read, handle and answer.
package final class HTTPServer: Sendable {
  /// The port that is listened on, also when the configuration left it to the system. 0 for a Unix socket.
  package var port: UInt16 { acceptor.port }

  /// Where it listens, as in `127.0.0.1:4318`, `[::1]:4318` or `unix:///run/heirloom/otlp.sock`.
  package var address: String { acceptor.address }

  private let core: ServerCore
  private let acceptor: Acceptor
  private let workers: [Worker]
  private let timekeeper: Timekeeper
  private let phase = Locked(Phase.bound)

  private enum Phase {
    case bound, running, draining, stopped
  }

  /// Binds the address and listens on it. Connections wait until `start`.
  ///
  /// - Parameters:
  ///   - configuration: where to listen and what to grant.
  ///   - handler: answers the requests; kept until the server is gone.
  /// - Throws: when the address is in use, or no address of this machine, or no address at all.
  package init(configuration: HTTPServerConfiguration, handler: any HTTPHandler) throws(HTTPServerError) {
    let core = try ServerCore(configuration: configuration, handler: handler)
    self.core = core
    acceptor = try Acceptor(core: core)
    workers = (0..<configuration.workers).map { _ in Worker(core: core) }
    timekeeper = Timekeeper(core: core)
  }

  deinit {
    stop(timeout: .zero)
  }

  /// Starts the threads.
  ///
  /// - Throws: when the system refuses threads or descriptors; the server is stopped then.
  package func start() throws(HTTPServerError) {
    let isFirst = phase.withLock { phase in
      defer { phase = .running }
      return phase == .bound
    }
    precondition(isFirst, "a server is started once")
    do {
      for worker in workers { try worker.start() }
    } catch {
      stop(timeout: .zero)
      throw error
    }
    core.linger.start()
    timekeeper.start(workers: workers)
    acceptor.start(workers: workers)
  }

  /// Closes the listening socket. Open connections go on, each until its next reply, which closes it.
  package func stopAccepting() {
    phase.withLock { phase in
      if phase != .stopped { phase = .draining }
      core.startDraining()
      acceptor.stop()
    }
  }

  /// Stops accepting, waits for the replies that are still owed, then closes all connections. The server cannot be
  /// started again. Not to be called by a handler during a request. A second call returns when the first is done.
  ///
  /// - Parameter timeout: the longest wait for handlers and for slow clients; requests unanswered by then are given up.
  package func stop(timeout: Duration = .seconds(5)) {
    stopAccepting()
    phase.withLock { phase in
      guard phase != .stopped else { return }
      phase = .stopped
      core.waitUntilIdle(deadline: MonotonicClock.now() &+ timeout.nanoseconds)
      core.startStopping()
      timekeeper.stop()
      for worker in workers { worker.stop() }
      core.linger.stop()
    }
  }
}

/// How busy an `HTTPServer` is.
package struct HTTPServerStatistics: Sendable {
  package let openConnections: Int
  /// Connections of each worker.
  package let openConnectionsPerWorker: [Int]
  /// Requests whose headers have been read and whose reply has not been sent in full.
  package let requestsInFlight: Int
  /// Bytes of memory in the bodies (and other buffers of the pool) that somebody holds.
  package let bodyBytes: Int
}

extension HTTPServer {
  package var statistics: HTTPServerStatistics {
    HTTPServerStatistics(
      openConnections: core.openConnections.load(ordering: .relaxed),
      openConnectionsPerWorker: workers.map(\.openConnections),
      requestsInFlight: core.requestsInFlight, bodyBytes: core.pool.bytesInUse)
  }
}
