import COTLPOracle
package import OTLP

/// What libprotobuf-c makes of export requests: a second opinion.
///
/// Where libprotobuf-c 1.4 is wrong its values are no oracle: merging the pieces of a split submessage it loses numbers
/// and presence, and a string ends at its first NUL.
package enum LibprotobufC {
  /// Whether it unpacks the bytes as an export request.
  package static func accepts(_ request: [UInt8], as signal: Signal = .traces) -> Bool {
    cotlp_oracle_accepts(code(signal), request, request.count)
  }

  /// The request unpacked and packed again; nil when it is not accepted.
  package static func repacked(_ request: [UInt8], as signal: Signal = .traces) -> [UInt8]? {
    var packed = cotlp_bytes()
    guard cotlp_oracle_repack(code(signal), request, request.count, &packed) else { return nil }
    defer { cotlp_bytes_free(packed) }
    return Array(UnsafeBufferPointer(start: packed.data, count: packed.count))
  }

  private static func code(_ signal: Signal) -> cotlp_signal {
    switch signal {
    case .traces: COTLP_TRACES
    case .logs: COTLP_LOGS
    case .metrics: COTLP_METRICS
    }
  }
}
