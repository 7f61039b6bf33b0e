import Filters
package import HTTPServer
package import Ledger
package import TLS

/// Answers questions about the ledger over HTTP.
package final class Console: Sendable {
  package struct Configuration: Sendable {
    /// An address without brackets, or a name.
    package var host = "127.0.0.1"
    /// 0 has the system pick one: see `Console.port`.
    package var port: UInt16 = 4319
    /// What clients have to name (`Authorization: Bearer …`); nil when they need nothing.
    package var token: String?
    /// Nil for plain HTTP.
    package var tls: TLSServerConfiguration?
    /// Questions that are answered at a time; as many connections should the reader have.
    package var threads = 4
    /// Questions that may wait for their turn.
    package var places = 100
    /// How long they wait.
    package var patience = Duration.seconds(5)

    package init() {}
  }

  /// Erases an end user, and says what was erased.
  package typealias Forgetting = @Sendable (_ endUser: String) throws -> any JSONWritable

  /// Bytes that a request line and its headers may take: the longest filter that there is, with every byte of it
  /// percent-encoded, and 16 KiB for all else.
  static let maxHeaderBytes = 3 * Filter.maxBytes + 16 << 10

  private let server: HTTPServer
  private let threads: QueryThreads

  /// Listens without answering yet.
  ///
  /// - Parameters:
  ///   - reader: of the ledger.
  ///   - configuration: checked by `Configuration.objection` before.
  ///   - certificate: of `configuration.tls`.
  ///   - forget: what `DELETE` of a user does.
  /// - Throws: when the address cannot be listened on.
  package init(
    reader: LedgerReader, configuration: Configuration, certificate: ServerCertificate? = nil,
    forget: @escaping Forgetting
  ) throws(HTTPServerError) {
    precondition((certificate == nil) == (configuration.tls == nil), "the certificate is that of the configuration")
    threads = QueryThreads(
      count: configuration.threads, places: configuration.places, patience: configuration.patience)
    let answering = ConsoleHandler.Answering(api: LedgerAPI(reader), forget: forget)
    server = try HTTPServer(
      configuration: HTTPServerConfiguration(
        host: configuration.host, port: configuration.port, workers: 1, maxConnections: 100,
        timeouts: HTTPTimeouts(idle: .seconds(120), readHeader: .seconds(10), read: .seconds(10), write: .seconds(30)),
        maxHeaderBytes: Self.maxHeaderBytes, certificate: certificate),
      handler: ConsoleHandler(answering, access: Access(configuration), threads: threads))
  }

  deinit {
    stop()
  }

  /// Where it listens, as in `127.0.0.1:4319`.
  package var address: String { server.address }
  package var port: UInt16 { server.port }

  /// - Throws: when the system refuses threads.
  package func start() throws(HTTPServerError) {
    try server.start()
    threads.start()
  }

  /// Closes all connections; what is being answered is given up. It cannot be started again.
  package func stop() {
    server.stopAccepting()
    server.stop(timeout: .zero)
    threads.stop()
  }
}
