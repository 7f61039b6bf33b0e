/// Answers unary calls in two steps, so that a call can be refused before its message is read.
///
/// All methods run on the server's threads, many at a time, and hold up the other connections of their thread for as long as they
/// take.
package protocol GRPCHandler: Sendable {
  /// Says what becomes of a call of which only the metadata has been read.
  func decide(_ head: GRPCCallHead) -> GRPCDecision

  /// Answers a call whose message is there: it has to see to it that `respond` is called, once, now or later, on any
  /// thread.
  func handle(_ call: GRPCCall)

  /// How a call ends that the server itself refuses. Asked once for each.
  func status(of fault: GRPCFault) -> GRPCStatus

  /// A call ended before its message had come, by whoever sent it, or because the message is larger than is allowed:
  /// gRPC has answered it.
  func callLost()

  /// A connection was one too many, and was closed.
  func connectionRefused()
}

/// What a handler wants with a call whose metadata it has seen.
package enum GRPCDecision {
  /// Read the message, then call `handle`. The note goes with the call.
  case receive(note: (any Sendable)? = nil)
  case reject(GRPCStatus)
}

/// Why a server refuses a call before its handler can.
package enum GRPCFault: Sendable {
  /// The messages of all calls together take more memory than the configuration grants.
  case tooManyBytes

  /// For the person who runs the client.
  package var message: String {
    switch self {
    case .tooManyBytes: "too many bytes of requests are under way; try again later"
    }
  }
}
