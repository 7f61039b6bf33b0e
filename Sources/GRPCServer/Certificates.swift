import CGRPCServer
import Glibc
import Locks
import TLS

/// The files that a server speaks TLS with, read again when they may have changed.
final class Certificates: @unchecked Sendable {
  // Sendable: all that changes is under `state`.

  private struct Texts: Equatable {
    var chain: [UInt8]
    var key: [UInt8]
    var clientRoots: [UInt8]
  }

  private struct State {
    var texts: Texts
    /// Whether gRPC has them.
    var isHandedOver = false
    /// When they were read, in monotonic nanoseconds.
    var readAt = MonotonicClock.now()
  }

  private let configuration: TLSServerConfiguration
  private let state: Locked<State>

  /// Reads them.
  init(_ configuration: TLSServerConfiguration) throws(GRPCServerError) {
    self.configuration = configuration
    state = Locked(State(texts: try Self.read(configuration)))
  }

  /// For the shim, which may use it while this object lives.
  var shim: cgrpc_tls {
    cgrpc_tls(
      context: Unmanaged.passUnretained(self).toOpaque(),
      fetch: { context, into in
        guard let context, let into else { return false }
        return Unmanaged<Certificates>.fromOpaque(context).takeUnretainedValue().fetch(into)
      },
      verifies_clients: configuration.clientCAFile != nil)
  }

  private func fetch(_ into: OpaquePointer) -> Bool {
    state.withLock { state in
      if state.isHandedOver {
        let now = MonotonicClock.now()
        guard let interval = configuration.reloadInterval, now >= state.readAt + interval.nanoseconds else {
          return false
        }
        state.readAt = now
        // Perhaps they are just being exchanged: the next time will show.
        guard let texts = try? Self.read(configuration), texts != state.texts else { return false }
        state.texts = texts
      }
      state.isHandedOver = true
      state.texts.chain.withUnsafeBytes { chain in
        state.texts.key.withUnsafeBytes { key in
          state.texts.clientRoots.withUnsafeBytes { roots in
            cgrpc_certificates_set(into, cgrpc_bytes(chain), cgrpc_bytes(key), cgrpc_bytes(roots))
          }
        }
      }
      return true
    }
  }

  private static func read(_ configuration: TLSServerConfiguration) throws(GRPCServerError) -> Texts {
    Texts(
      chain: try read(file: configuration.certFile), key: try read(file: configuration.keyFile),
      clientRoots: try configuration.clientCAFile.map { file throws(GRPCServerError) in try read(file: file) } ?? [])
  }

  private static func read(file: String) throws(GRPCServerError) -> [UInt8] {
    let descriptor = open(file, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .unreadable(file: file, reason: String(cString: strerror(errno))) }
    defer { close(descriptor) }
    var text: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 16 << 10)
    while text.count < longest {
      let count = Glibc.read(descriptor, &piece, piece.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw .unreadable(file: file, reason: String(cString: strerror(errno))) }
      if count == 0 { return text }
      text += piece[..<count]
    }
    throw .unreadable(file: file, reason: "it is larger than \(longest) bytes")
  }

  /// Bytes; all the authorities of the web are a quarter of it.
  private static let longest = 1 << 20
}
