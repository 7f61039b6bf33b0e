/// Answers requests in two steps, so that a request can be refused before its body is read.
///
/// Both methods run on the server's worker threads, many at a time, and hold up the other connections of their worker
/// for as long as they take.
package protocol HTTPHandler: Sendable {
  /// Says what becomes of a request of which only the headers have been read.
  func decide(_ head: HTTPRequestHead) -> HTTPDecision

  /// Answers a request that has been read in full: it has to see to it that `respond` is called, once, now or later,
  /// on any thread. Until then the request counts as in flight.
  func handle(_ request: HTTPRequest)

  /// The reply to a request that the server itself can't read, in the form that this handler's clients understand.
  func reply(to fault: HTTPFault) -> HTTPResponse
}

/// Why a server does not read a request that is HTTP otherwise.
package enum HTTPFault: CaseIterable, Sendable {
  case contradictoryLength
  case unknownTransferCoding
  /// The bodies of all connections together take more memory than the configuration grants.
  case tooManyBodies

  package var status: Int {
    switch self {
    case .contradictoryLength: 400
    case .unknownTransferCoding: 501
    case .tooManyBodies: 503
    }
  }

  /// For the person who runs the client.
  package var message: String {
    switch self {
    case .contradictoryLength: "the headers contradict one another about the length of the body"
    case .unknownTransferCoding: "the only transfer coding known here is chunked"
    case .tooManyBodies: "too many bytes of requests are under way; try again later"
    }
  }
}

extension HTTPDecision {
  /// The same when there is no memory for a body: what would have been read is refused.
  func refused(by handler: any HTTPHandler) -> HTTPDecision {
    guard case .receive = self else { return self }
    return .reject(handler.reply(to: .tooManyBodies))
  }
}

extension HTTPHandler {
  package func reply(to fault: HTTPFault) -> HTTPResponse {
    HTTPResponse(status: fault.status, contentType: "text/plain", body: Array((fault.message + "\n").utf8))
  }
}

/// What a handler wants with a request whose headers it has seen.
package enum HTTPDecision {
  /// Read the body, then call `handle`. A body of more than `limit` bytes is answered with `tooLarge` instead: at once
  /// when `Content-Length` announces it, otherwise when as many bytes have come.
  case receive(limit: Int, tooLarge: HTTPResponse)

  /// Answer with this. The body is read and thrown away, so that the connection stays usable, unless the client waits
  /// for `100 Continue` or announces more than the server cares to throw away: then the answer goes out at once and
  /// the connection is closed after it.
  case reject(HTTPResponse)
}
