/// One protocol's server of a receiver.
package protocol OTLPListener: AnyObject, Sendable {
  /// What its metrics call it.
  var transport: String { get }
  /// Where it listens, the real port included.
  var address: String { get }
  var port: UInt16 { get }
  /// Who lets requests in. It has to be told whom before the server starts.
  var doorkeeper: Doorkeeper { get }

  /// Takes connections from now on.
  ///
  /// - Throws: when the system refuses what it needs; the description says what.
  func start() throws

  /// Takes no new connections; requests on the open ones are still answered.
  func stopAccepting()

  /// Waits for requests under way, for a bounded time, and closes everything.
  func stop(timeout: Duration)
}
