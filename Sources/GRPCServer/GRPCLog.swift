import CGRPCServer
import Locks

/// What gRPC has to say of its own accord, for all servers of the process: errors only, unless `GRPC_VERBOSITY` asks for more.
///
/// Most of them are a client's doing, who could fill a log with them: there is a line every ten seconds at most.
package enum GRPCLog {
  private struct State {
    var write: (@Sendable (_ message: String, _ leftOut: Int) -> Void)?
    var lastLine: UInt64?
    var leftOut = 0
  }

  private static let interval: UInt64 = 10_000_000_000
  private static let state = Locked(State())

  /// Has it written by somebody from now on.
  ///
  /// - Parameter write: called on any thread, with a message and how many came before it that were left out.
  package static func send(to write: @escaping @Sendable (_ message: String, _ leftOut: Int) -> Void) {
    state.withLock { $0.write = write }
    cgrpc_set_log { text in GRPCLog.write(text.map { String(cString: $0) } ?? "") }
  }

  private static func write(_ message: String) {
    let now = MonotonicClock.now()
    let line = state.withLock { state -> (write: @Sendable (String, Int) -> Void, leftOut: Int)? in
      if let lastLine = state.lastLine, now < lastLine + interval {
        state.leftOut += 1
        return nil
      }
      defer { (state.lastLine, state.leftOut) = (now, 0) }
      return state.write.map { ($0, state.leftOut) }
    }
    line?.write(message, line?.leftOut ?? 0)
  }
}
