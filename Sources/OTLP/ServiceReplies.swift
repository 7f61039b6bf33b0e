import COTLP

/// The protobuf bodies of replies to OTLP requests: written as a server, read as a client.
package enum ServiceReply {
  /// A `google.rpc.Status`: why a request was refused.
  package struct Status: Equatable, Sendable {
    /// A gRPC status code.
    package var code: Int32
    /// For people. What was not UTF-8 is repaired.
    package var message: String

    package init(code: Int32, message: String) {
      self.code = code
      self.message = message
    }
  }

  /// What a server says about a request that it took, at least in part.
  package struct PartialSuccess: Equatable, Sendable {
    /// Spans, log records or data points that it left out; 0 makes the message a warning.
    package var rejected: Int64
    /// For people. What was not UTF-8 is repaired.
    package var message: String

    package init(rejected: Int64, message: String) {
      self.rejected = rejected
      self.message = message
    }
  }

  /// Bytes that are no protobuf message, say a proxy's error page.
  package struct Malformed: Error, Equatable {
    package init() {}
  }

  /// More of a peer's text than this many bytes is not kept.
  package static let longestText = 4096

  /// Encodes a `google.rpc.Status`. The message ends at its first NUL, if it has one.
  package static func status(code: Int32, message: String) -> [UInt8] {
    array(from: cotlp_encode_status(code, message))
  }

  /// The same with a `google.rpc.RetryInfo`: in gRPC, whoever may come again is told after how many seconds, two minutes at most.
  package static func status(code: Int32, message: String, retryAfter: Int) -> [UInt8] {
    array(from: cotlp_encode_status_with_retry(code, message, UInt8(min(max(retryAfter, 0), 120))))
  }

  /// Encodes a signal's export response. With nothing rejected and no message it is empty, the usual reply.
  package static func success(signal: Signal, rejected: Int = 0, message: String = "") -> [UInt8] {
    if rejected == 0 && message.isEmpty { return [] }
    return array(from: cotlp_encode_partial_success(signal.code, Int64(rejected), message))
  }

  /// Reads a `google.rpc.Status`, without its details.
  package static func decodeStatus(_ bytes: UnsafeRawBufferPointer) throws(Malformed) -> Status {
    var reply = cotlp_reply()
    guard cotlp_decode_status(bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count, &reply) else {
      throw Malformed()
    }
    return Status(code: Int32(truncatingIfNeeded: reply.number), message: text(of: reply))
  }

  /// Reads the partial success of an export response; the signals do not differ there. nil: all was taken, in silence.
  package static func decodePartialSuccess(_ bytes: UnsafeRawBufferPointer) throws(Malformed) -> PartialSuccess? {
    var reply = cotlp_reply()
    let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    guard cotlp_decode_partial_success(start, bytes.count, &reply) else { throw Malformed() }
    let partial = PartialSuccess(rejected: reply.number, message: text(of: reply))
    return reply.present && partial != PartialSuccess(rejected: 0, message: "") ? partial : nil
  }

  private static func array(from bytes: cotlp_bytes) -> [UInt8] {
    defer { cotlp_bytes_free(bytes) }
    return Array(UnsafeBufferPointer(start: bytes.data, count: bytes.count))
  }

  private static func text(of reply: cotlp_reply) -> String {
    String(decoding: UnsafeBufferPointer(start: reply.text, count: min(reply.text_count, longestText)), as: UTF8.self)
  }
}
