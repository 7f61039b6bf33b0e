import CHTTPServer
import Locks

/// What one connection is waiting for and since when, so that it can be ended when that takes too long.
///
/// The worker's thread moves it on, the timekeeper's looks at it. Whoever is ended never gets another reply: the worker
/// asks here before each step.
final class ConnectionClock: Sendable {
  enum Phase {
    /// For a TLS session.
    case handshake
    /// For a request's first byte.
    case waiting
    /// For the end of a request's headers.
    case headers
    case body
    /// For a handler, which is not the client's fault.
    case handling
    /// For the client to take its reply.
    case reply
    /// For the client to see what it was told before its connection is cut.
    case told
    case over
  }

  private struct State {
    var phase: Phase
    /// Monotonic nanoseconds at which that began; for a body, when its headers did.
    var since = MonotonicClock.now()
    /// When the last byte came, as far as anybody noticed.
    var heard = MonotonicClock.now()
    /// Bytes on the connection at the last look; nil when nobody has looked in this phase.
    var received: Int64? = 0
    /// Whether the client was found at the last look to be at its end.
    var isLeft = false
    /// What the client will be told when its body has come.
    var owed: HTTPResponse?
  }

  let socket: Int32
  private let session: TLSSession?
  private let state: Locked<State>

  /// - Parameters:
  ///   - socket: the connection's.
  ///   - session: what is spoken on it; nil for plain HTTP.
  init(socket: Int32, session: TLSSession?) {
    self.socket = socket
    self.session = session
    state = Locked(State(phase: session == nil ? .waiting : .handshake))
  }

  // MARK: - For the worker

  /// Enters the next phase; false when the connection has been ended.
  func enter(_ phase: Phase) -> Bool {
    let now = MonotonicClock.now()
    return state.withLock { state in
      guard state.phase != .told, state.phase != .over else { return false }
      if !(state.phase == .headers && phase == .body) { state.since = now }
      state.phase = phase
      state.heard = now
      state.received = nil
      state.isLeft = false
      state.owed = nil
      return true
    }
  }

  /// Notes that a piece of the body has come; false when the connection has been ended.
  func hear() -> Bool {
    let now = MonotonicClock.now()
    return state.withLock { state in
      state.heard = now
      return state.phase != .told && state.phase != .over
    }
  }

  /// Notes what answers the request whose body is being thrown away.
  func owe(_ response: HTTPResponse) {
    state.withLock { $0.owed = response }
  }

  /// The socket is about to be closed.
  ///
  /// - Returns: whether TLS has come to nothing, neither by a timeout nor by a client that said nothing.
  func close() -> Bool {
    let wasShaking = state.withLock { state in
      defer { state.phase = .over }
      return state.phase == .handshake
    }
    guard wasShaking, let stage = session?.stage else { return false }
    return stage == CHTTP_TLS_UNENCRYPTED || stage == CHTTP_TLS_SHAKING_HANDS
  }

  // MARK: - For the timekeeper

  /// Ends the connection if it has taken too long.
  ///
  /// - Parameters:
  ///   - now: monotonic nanoseconds.
  ///   - timeouts: what is too long.
  ///   - late: makes the reply to a request that has not come in full.
  /// - Returns: why it was ended just now.
  func check(at now: UInt64, _ timeouts: HTTPTimeouts, late: () -> HTTPResponse) -> HTTPEnding? {
    state.withLock { state in
      func isOver(_ timeout: Duration, since start: UInt64) -> Bool {
        timeout > .zero && now > start && now - start >= timeout.nanoseconds
      }
      switch state.phase {
      case .handling, .over: return nil
      case .handshake:
        guard session?.isEstablished != true else {
          (state.phase, state.since, state.heard, state.received) = (.waiting, now, now, 0)
          listen(&state, at: now)
          return nil
        }
        listen(&state, at: now)
        let isLate = isOver(timeouts.readHeader, since: state.since)
        guard isLate || isOver(timeouts.idle, since: state.heard) else { return nil }
        cut(&state)
        return isLate ? .readHeader : .idle
      case .waiting:
        listen(&state, at: now)
        if state.phase == .waiting, hasLeft(&state) {
          cut(&state)
          return nil
        }
        guard state.phase == .waiting, isOver(timeouts.idle, since: state.heard) else { return nil }
        cut(&state)
        return .idle
      case .headers:
        listen(&state, at: now)
        let isLate = isOver(timeouts.readHeader, since: state.since)
        guard isLate || isOver(timeouts.idle, since: state.heard) else { return nil }
        tell(late(), &state)
        return isLate ? .readHeader : .idle
      case .body:
        let isLate = isOver(timeouts.read, since: state.since)
        guard isLate || isOver(timeouts.idle, since: state.heard) else { return nil }
        tell(state.owed ?? late(), &state)
        return isLate ? .read : .idle
      case .reply:
        guard isOver(timeouts.write, since: state.since) else { return nil }
        // What the client did not take in all that time shall not stay in the kernel's memory either.
        cut(&state, forget: true)
        return .write
      case .told:
        cut(&state)
        return nil
      }
    }
  }

  /// libmicrohttpd says nothing about headers before they are complete; the kernel counts their bytes, or the session
  /// does, where there are others.
  private func listen(_ state: inout State, at now: UInt64) {
    let received = session?.received ?? chttp_received(socket)
    guard received >= 0 else { return }
    if let before = state.received, received > before {
      state.heard = now
      if state.phase == .waiting { (state.phase, state.since) = (.headers, now) }
    }
    state.received = received
  }

  /// libmicrohttpd misses a client's end that comes together with its last request. What was found once, it may be reading
  /// just now.
  private func hasLeft(_ state: inout State) -> Bool {
    guard session == nil, chttp_is_left(socket) else { return false }
    defer { state.isLeft = true }
    return state.isLeft
  }

  /// Has the client some time, until the next look, to see the reply: cut at once, a client that is still sending would
  /// be told of a reset and nothing else.
  private func tell(_ response: HTTPResponse, _ state: inout State) {
    if let session {
      session.tell(response.closingBytes)
    } else {
      response.closingBytes.withUnsafeBytes { chttp_tell(socket, $0.baseAddress, $0.count) }
    }
    state.phase = .told
  }

  private func cut(_ state: inout State, forget: Bool = false) {
    chttp_cut(socket, forget)
    state.phase = .over
  }
}
