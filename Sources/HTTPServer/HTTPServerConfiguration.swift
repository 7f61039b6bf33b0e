import Glibc

/// Where an `HTTPServer` listens and what it grants its clients.
package struct HTTPServerConfiguration: Sendable {
  /// An IPv4 or IPv6 address (without brackets) or a name; empty for all addresses. Of a name's addresses IPv4 is
  /// preferred.
  package var host: String
  /// 0 has the system pick a free port; `HTTPServer.port` tells which.
  package var port: UInt16
  /// A Unix socket to listen on in place of a port: a file that its owner and group may connect to. It replaces one that
  /// nobody listens on, and is removed when no more connections are taken.
  package var socketPath: String?
  /// Threads that read, handle and answer requests.
  package var workers: Int
  /// Connections above this number are answered with `HTTPFault.tooManyConnections` and closed. A server grants fewer where the limit of
  /// open descriptors demands it: see `connectionsGranted(of:)`.
  package var maxConnections: Int
  package var timeouts: HTTPTimeouts
  /// Bytes of memory that the bodies under way may take on all connections together. Above it, requests are answered with
  /// `HTTPFault.tooManyBodies`, those whose body is being read as well.
  package var maxBodyBytes: Int
  /// Bytes that a request line and its headers may take. More is answered with `HTTPFault.headersTooLarge`; what does
  /// not fit into the connection's memory either gets the same status from libmicrohttpd.
  package var maxHeaderBytes: Int
  /// Whether a connection goes on after a reply.
  package var keepsAlive: Bool
  /// Headers that every reply gets which has none of that name.
  package var responseHeaders: [HTTPHeaderField]
  /// What clients are shown over TLS; nil for plain HTTP.
  package var certificate: ServerCertificate?

  package init(
    host: String = "127.0.0.1", port: UInt16 = 0, socketPath: String? = nil,
    workers: Int = HTTPServerConfiguration.coreCount,
    maxConnections: Int = 1024, timeouts: HTTPTimeouts = HTTPTimeouts(), maxBodyBytes: Int = 512 << 20,
    maxHeaderBytes: Int = 16 << 10, keepsAlive: Bool = true, responseHeaders: [HTTPHeaderField] = [],
    certificate: ServerCertificate? = nil
  ) {
    precondition(workers > 0 && maxConnections > 0, "a server has at least one worker and one connection")
    self.host = host
    self.port = port
    self.socketPath = socketPath
    self.workers = workers
    self.maxConnections = maxConnections
    self.timeouts = timeouts
    self.maxBodyBytes = maxBodyBytes
    self.maxHeaderBytes = maxHeaderBytes
    self.keepsAlive = keepsAlive
    self.responseHeaders = responseHeaders
    self.certificate = certificate
  }

  /// Bytes each connection has for headers and for reading. libmicrohttpd writes to all of them once a connection has had
  /// a request: ten thousand that idle take as many times this.
  var connectionMemory: Int { maxHeaderBytes + 32 << 10 }

  /// How many connections a server grants in a process that may have so many descriptors open.
  package func connectionsGranted(of descriptors: Int) -> Int {
    DescriptorLimit.connections(wanted: maxConnections, of: descriptors)
  }

  /// The cores this process may run on, by and large.
  package static var coreCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }
}

/// Why an `HTTPServer` cannot run.
package enum HTTPServerError: Error, Equatable, CustomStringConvertible {
  /// The address cannot be listened on: it is in use, not this machine's, or no address at all.
  case cannotListen(address: String, reason: String)
  /// The system refused what the server needs (threads, descriptors).
  case outOfResources(reason: String)

  package var description: String {
    switch self {
    case .cannotListen(let address, let reason): "cannot listen on \(address): \(reason)"
    case .outOfResources(let reason): "cannot start an HTTP server: \(reason)"
    }
  }
}
