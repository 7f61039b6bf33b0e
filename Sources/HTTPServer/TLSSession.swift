import CHTTPServer

/// Bytes at a place of their own, for C code that reads them later.
final class PinnedBytes: @unchecked Sendable {
  // Sendable: immutable.
  let bytes: UnsafeRawBufferPointer

  init(_ content: [UInt8]) {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: content.count, alignment: 1)
    memory.copyBytes(from: content)
    bytes = UnsafeRawBufferPointer(memory)
  }

  deinit {
    bytes.deallocate()
  }
}

/// One connection's TLS.
///
/// Only the worker's thread touches GnuTLS's session, since it alone knows when libmicrohttpd ends it.
final class TLSSession: @unchecked Sendable {
  // Sendable: `handle` may be asked on any thread; `last` is written once, under the connection clock's lock.
  private let handle: OpaquePointer
  /// Kept for as long as the connection uses them.
  private let kept: (TLSCredentials, PinnedBytes)
  private var last: PinnedBytes?

  /// Nil when memory ran out.
  ///
  /// - Parameters:
  ///   - connection: one that has just been opened.
  ///   - credentials: what its client is shown.
  ///   - unencrypted: what a client is told that speaks HTTP without TLS.
  init?(_ connection: OpaquePointer, _ credentials: TLSCredentials, unencrypted: PinnedBytes) {
    let (bytes, count) = (unencrypted.bytes.baseAddress, unencrypted.bytes.count)
    guard let handle = chttp_tls_begin(connection, credentials.handle, bytes, count) else { return nil }
    self.handle = handle
    kept = (credentials, unencrypted)
  }

  deinit {
    chttp_tls_free(handle)
  }

  var stage: chttp_tls_stage { chttp_tls_get_stage(handle) }

  var isEstablished: Bool { stage == CHTTP_TLS_ESTABLISHED }

  /// Bytes that have come in the handshake or, once the session is established, since.
  var received: Int64 { chttp_tls_received(handle) }

  /// Has the worker send these bytes and end the connection. To be called once.
  func tell(_ message: [UInt8]) {
    let pinned = PinnedBytes(message)
    last = pinned
    chttp_tls_tell(handle, pinned.bytes.baseAddress, pinned.bytes.count)
  }
}
