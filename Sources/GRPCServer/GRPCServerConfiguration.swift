import HTTPServer
package import TLS

/// Where a `GRPCServer` listens and what it grants its clients.
package struct GRPCServerConfiguration: Sendable, Equatable {
  /// An IPv4 or IPv6 address (without brackets) or a name; empty for all addresses.
  package var host = "127.0.0.1"
  /// 0 has the system pick a free port; `GRPCServer.port` tells which.
  package var port: UInt16 = 0
  /// Threads that read, handle and answer calls. gRPC has them take turns at waiting, and each wakes up the next: on two cores, two
  /// of them cost a fifth more than one and did no more. So there are fewer than cores.
  package var threads = max(1, HTTPServerConfiguration.coreCount / 2)
  /// Bytes of a message, as it comes.
  package var maxMessageBytes = 64 << 20
  /// Bytes of messages that somebody holds, from which on calls are refused; and, by itself, the memory that gRPC may take for
  /// those that are coming in: near it senders are slowed down, above it calls are ended.
  package var maxBufferedBytes = 512 << 20
  /// Calls under way on one connection; more wait at the client.
  package var maxConcurrentStreams = 250
  /// Connections above this number are closed at once. Fewer are granted where the limit of open descriptors demands it.
  package var maxConnections = 10_000
  package var keepalive = GRPCKeepalive()
  /// nil: without TLS.
  package var tls: TLSServerConfiguration?

  package init() {}
}

/// How long a server keeps connections, and how it finds out that nobody is there any more. The names are grpc-go's, which the
/// OpenTelemetry Collector has taken over. Zero: never, or not at all.
package struct GRPCKeepalive: Sendable, Equatable {
  /// A connection without calls for that long is closed.
  package var maxConnectionIdle = Duration.zero
  /// A connection that old takes no more calls, and is closed when its calls are done, or the grace is over.
  package var maxConnectionAge = Duration.zero
  package var maxConnectionAgeGrace = Duration.zero
  /// A connection that is silent for `time` is asked for a sign of life, and closed without one within `timeout`.
  package var time = Duration.seconds(7200)
  package var timeout = Duration.seconds(20)
  /// Clients that ask more often lose their connection.
  package var minTime = Duration.seconds(300)
  /// Clients may ask while they have no calls.
  package var permitWithoutStream = false

  package init() {}
}

/// Why a `GRPCServer` cannot run.
package enum GRPCServerError: Error, Equatable, CustomStringConvertible {
  /// The address cannot be listened on: see `HTTPServerError.cannotListen`.
  case cannotListen(String)
  /// A file that TLS needs cannot be read.
  case unreadable(file: String, reason: String)
  /// OpenSSL makes nothing of one of these files.
  case wrongCertificates(files: [String])
  case refusedByLibrary

  package var description: String {
    switch self {
    case .cannotListen(let reason): reason
    case .unreadable(let file, let reason): "cannot read \(file): \(reason)"
    case .wrongCertificates(let files):
      "TLS cannot use these files: \(files.joined(separator: ", ")): they must hold a certificate and its key, and "
        + "client_ca_file authorities, all in PEM"
    case .refusedByLibrary: "gRPC refuses to make a server"
    }
  }
}
