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

  /// The reply to a client that the server itself has to refuse, in the form that this handler's clients understand.
  /// Asked once for each such refusal, on any thread. `head` is what is known of the request by then: often all, or
  /// nothing.
  func reply(to fault: HTTPFault, of head: HTTPRequestHead?) -> HTTPResponse

  /// Headers that the reply to a request has beside its own, whoever refuses or answers it. Called on the worker's thread.
  func furtherHeaders(for head: HTTPRequestHead) -> [(name: String, value: String)]

  /// The server has ended a connection by itself. Called on any thread.
  func connectionEnded(_ reason: HTTPEnding)
}

/// Why a server does not read, or not to its end, a request that is HTTP otherwise.
package enum HTTPFault: CaseIterable, Sendable {
  case contradictoryLength
  case unknownTransferCoding
  case headersTooLarge
  /// More bytes than the handler's decision allows.
  case bodyTooLarge
  /// The request did not come in full within the time there is for it.
  case tooSlow
  /// The bodies of all connections together take more memory than the configuration grants.
  case tooManyBodies
  /// The client is one too many; nothing of its request has been read.
  case tooManyConnections
  /// The client speaks HTTP without TLS to a server that speaks it. Not asked for each such client, but once.
  case unencrypted

  package var status: Int {
    switch self {
    case .contradictoryLength, .unencrypted: 400
    case .unknownTransferCoding: 501
    case .headersTooLarge: 431
    case .bodyTooLarge: 413
    case .tooSlow: 408
    case .tooManyBodies, .tooManyConnections: 503
    }
  }

  /// For the person who runs the client.
  package var message: String {
    switch self {
    case .contradictoryLength: "the headers contradict one another about the length of the body"
    case .unknownTransferCoding: "the only transfer coding known here is chunked"
    case .headersTooLarge: "the headers are larger than is allowed here"
    case .bodyTooLarge: "the body is larger than is allowed here"
    case .tooSlow: "the request did not come in full in the time that there is for it"
    case .tooManyBodies: "too many bytes of requests are under way; try again later"
    case .tooManyConnections: "too many connections are open; try again later"
    case .unencrypted: "TLS is spoken here: use https"
    }
  }
}

extension HTTPHandler {
  package func reply(to fault: HTTPFault, of head: HTTPRequestHead?) -> HTTPResponse {
    HTTPResponse(status: fault.status, contentType: "text/plain", body: Array((fault.message + "\n").utf8))
  }

  package func furtherHeaders(for head: HTTPRequestHead) -> [(name: String, value: String)] { [] }

  package func connectionEnded(_ reason: HTTPEnding) {}
}

/// What a handler wants with a request whose headers it has seen.
package enum HTTPDecision {
  /// Read the body, then call `handle`. A body of more than `limit` bytes is answered as `HTTPFault.bodyTooLarge`
  /// instead: at once when `Content-Length` announces it, otherwise when it has come. What was found out about the request
  /// so far may go with it, as its `note`.
  case receive(limit: Int, note: (any AnyObject & Sendable)? = nil)

  /// Answer with this. The body is read and thrown away, so that the connection stays usable, unless the client waits
  /// for `100 Continue` or announces more than the server cares to throw away: then the answer goes out at once and
  /// the connection is closed after it.
  case reject(HTTPResponse)
}
