package import OTLP

extension EncodedRequest {
  /// One request out of several of the same signal, in their order. Nothing is copied: the parts live as long as the whole.
  package static func merging(_ parts: [EncodedRequest]) -> EncodedRequest {
    if parts.count == 1 { return parts[0] }
    var segments: [UnsafeRawBufferPointer] = []
    segments.reserveCapacity(parts.reduce(0) { $0 + $1.segmentCount })
    var items = 0
    for part in parts {
      for index in 0..<part.segmentCount { segments.append(part.segment(index)) }
      items += part.itemCount
    }
    return EncodedRequest(segments: segments, signal: parts.first?.signal ?? .traces, itemCount: items) {
      withExtendedLifetime(parts) {}
    }
  }

  /// Lets `body` read the whole message in one piece, which costs a copy only when there are several segments.
  package func withContiguousBytes<Value, Failure>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    if segmentCount == 1 { return try body(segment(0)) }
    return try bytes.withUnsafeBytes { message in
      Result { () throws(Failure) in try body(message) }
    }.get()
  }
}
