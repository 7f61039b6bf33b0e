import CHTTPServer
import Glibc

/// A socket that clients connect to: a TCP port, or a file.
struct ListeningSocket: Sendable {
  let descriptor: Int32
  /// What the system really bound; 0 for a Unix socket.
  let port: UInt16
  /// As in `127.0.0.1:4318`, `[::1]:4318` or `unix:///run/heirloom/otlp.sock`.
  let address: String
  /// The socket's file, to be removed at the end.
  private let file: (path: String, id: chttp_file_id)?

  /// Binds and listens.
  init(_ configuration: HTTPServerConfiguration) throws(HTTPServerError) {
    var port: UInt16 = 0
    var reason: UnsafePointer<CChar>?
    if let path = configuration.socketPath {
      var id = chttp_file_id()
      descriptor = chttp_listen_unix(path, &id, &reason)
      file = (path, id)
      address = "unix://\(path)"
    } else {
      descriptor = chttp_listen(configuration.host, configuration.port, &port, &reason)
      file = nil
      address = Self.describe(configuration.host, descriptor < 0 ? configuration.port : port)
    }
    self.port = port
    if descriptor < 0 {
      throw .cannotListen(address: address, reason: reason.map { String(cString: $0) } ?? "no reason given")
    }
  }

  /// Stops listening. To be called once.
  func close() {
    // In this order: while the socket is open its file's number is nobody else's.
    if let (path, id) = file {
      var id = id
      chttp_unlisten(path, &id)
    }
    Glibc.close(descriptor)
  }

  private static func describe(_ host: String, _ port: UInt16) -> String {
    host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
  }
}
