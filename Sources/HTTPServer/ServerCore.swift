import Locks
import Synchronization

/// What the threads of one server share.
final class ServerCore: Sendable {
  let configuration: HTTPServerConfiguration
  let handler: any HTTPHandler
  let pool = BufferPool()
  /// What a client is told that speaks plain HTTP where TLS is spoken.
  let unencrypted: PinnedBytes
  let linger: Linger

  let openConnections = Atomic<Int>(0)

  private let inFlight = Atomic<Int>(0)
  private let draining = Atomic<Bool>(false)
  private let stopping = Atomic<Bool>(false)
  private let idle = Lock()

  /// Whether the bodies under way leave memory for another.
  var hasRoomForBodies: Bool { pool.bytesInUse <= configuration.maxBodyBytes }

  init(configuration: HTTPServerConfiguration, handler: any HTTPHandler) throws(HTTPServerError) {
    var granted = configuration
    granted.maxConnections = configuration.connectionsGranted(of: DescriptorLimit.current)
    self.configuration = granted
    self.handler = handler
    linger = try Linger()
    unencrypted = PinnedBytes(
      configuration.certificate == nil
        ? []
        : handler.reply(to: .unencrypted, of: nil).with(configuration.responseHeaders, closing: true).closingBytes)
  }

  /// Replies close their connections from now on.
  var isDraining: Bool { draining.load(ordering: .sequentiallyConsistent) }

  /// A reply as this server gives it: with the headers that all of its replies have, and as the connection's last where
  /// it is.
  func dressed(_ response: HTTPResponse) -> HTTPResponse {
    let closes = isDraining || !configuration.keepsAlive
    guard closes || !configuration.responseHeaders.isEmpty else { return response }
    return response.with(configuration.responseHeaders, closing: closes)
  }

  /// Nothing waits for a reply any more.
  var isStopping: Bool { stopping.load(ordering: .sequentiallyConsistent) }

  var requestsInFlight: Int { inFlight.load(ordering: .sequentiallyConsistent) }

  func startDraining() {
    draining.store(true, ordering: .sequentiallyConsistent)
  }

  func startStopping() {
    stopping.store(true, ordering: .sequentiallyConsistent)
  }

  func requestBegan() {
    inFlight.add(1, ordering: .sequentiallyConsistent)
  }

  func requestEnded() {
    let left = inFlight.subtract(1, ordering: .sequentiallyConsistent).newValue
    if left == 0 && isDraining { idle.withLock { idle.wakeAll() } }
  }

  /// Waits until no request is in flight, while draining.
  ///
  /// - Parameter deadline: monotonic nanoseconds.
  func waitUntilIdle(deadline: UInt64) {
    idle.withLock {
      while requestsInFlight > 0 && idle.wait(until: deadline) {}
    }
  }
}
