import COTLP

/// OTLP/JSON, written from protobuf bytes without decoding them into objects.
///
/// The text is that of the OpenTelemetry Collector: lowerCamelCase names, fields in the order of the schema, ids in
/// hexadecimal, other bytes in base64, 64-bit integers as strings, enums as numbers, defaults left out. One line, no
/// line feed. Unknown fields are not in it, as JSON has no names for them; bytes that are not UTF-8 become U+FFFD.
package enum OTLPJSON {
  /// Why a message has no JSON.
  package enum Failure: Error, Equatable {
    /// The bytes are no protobuf message, or more than 2 GiB.
    case malformed
    /// Submessages lie more than 64 levels below the message.
    case tooDeep
    /// Memory for a message in many pieces could not be had.
    case outOfMemory
  }

  /// Appends a request of `signal` to `text`. After a failure `text` is what it was.
  package static func append(
    message: UnsafeRawBufferPointer, signal: Signal, to text: inout [UInt8]
  ) throws(Failure) {
    try append(message, as: .request(signal), to: &text)
  }

  /// Appends a message to `text`, which is worth reusing: its spare capacity is written to directly. After a failure
  /// `text` is what it was.
  package static func append(
    _ message: UnsafeRawBufferPointer, as kind: OTLPMessage, to text: inout [UInt8]
  ) throws(Failure) {
    // JSON takes about twice the bytes of protobuf. Where that falls short the message is written again from its start.
    var room = 2 * message.count + 256
    while true {
      if text.capacity - text.count < room {
        text.reserveCapacity(max(text.count + room, 2 * text.capacity))
      }
      room = text.capacity - text.count
      var result = COTLP_JSON_FULL
      text.append(addingCapacity: room) { span in
        span.withUnsafeMutableBufferPointer { buffer, count in
          var written = 0
          result = cotlp_json_write(
            kind.code, message.baseAddress?.assumingMemoryBound(to: UInt8.self), message.count,
            buffer.baseAddress, buffer.count, &written)
          if result == COTLP_JSON_WRITTEN { count = written }
        }
      }
      switch result {
      case COTLP_JSON_WRITTEN: return
      case COTLP_JSON_FULL: room *= 2
      case COTLP_JSON_TOO_DEEP: throw .tooDeep
      case COTLP_JSON_OUT_OF_MEMORY: throw .outOfMemory
      default: throw .malformed
      }
    }
  }
}

extension OTLPMessage {
  /// What C calls it.
  var code: cotlp_json_message {
    switch self {
    case .request(.traces): COTLP_JSON_TRACES_REQUEST
    case .request(.logs): COTLP_JSON_LOGS_REQUEST
    case .request(.metrics): COTLP_JSON_METRICS_REQUEST
    case .response(.traces): COTLP_JSON_TRACES_RESPONSE
    case .response(.logs): COTLP_JSON_LOGS_RESPONSE
    case .response(.metrics): COTLP_JSON_METRICS_RESPONSE
    case .status: COTLP_JSON_STATUS
    }
  }
}
