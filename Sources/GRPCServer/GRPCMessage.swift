import CGRPCServer
import HTTPServer

/// The bytes of a message, as they came. They lie where gRPC put them if they lie there in one piece; otherwise they have been
/// copied once.
package final class GRPCMessage: @unchecked Sendable {
  // Sendable: nobody writes to the bytes any more.

  /// Valid while this object lives.
  package let bytes: UnsafeRawBufferPointer
  /// The bytes are a gzip file.
  package let isGzip: Bool

  /// What keeps the bytes.
  private let received: OpaquePointer?
  private let copy: PooledBuffer?

  init(_ message: OpaquePointer, pool: BufferPool) {
    let size = cgrpc_message_size(message)
    isGzip = cgrpc_message_is_gzip(message)
    if size == 0 {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
    } else if let start = cgrpc_message_in_one_piece(message) {
      bytes = UnsafeRawBufferPointer(start: start, count: size)
      received = message
      copy = nil
      return
    } else {
      let buffer = pool.makeBuffer()
      cgrpc_message_copy(message, buffer.reserve(size).baseAddress)
      buffer.setCount(size)
      bytes = buffer.bytes
      received = nil
      copy = buffer
      cgrpc_message_free(message)
      return
    }
    received = nil
    copy = nil
    cgrpc_message_free(message)
  }

  deinit {
    if let received { cgrpc_message_free(received) }
  }
}
