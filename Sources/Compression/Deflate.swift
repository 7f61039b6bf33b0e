import CCompression

/// Compresses whole messages to gzip.
package enum Deflate {
  /// One gzip member of the segments put together.
  ///
  /// - Parameters:
  ///   - segments: what is compressed, in this order. Several are copied together first.
  ///   - level: 1 (fast) to 12 (small).
  /// - Returns: a complete gzip file.
  package static func gzip(_ segments: [UnsafeRawBufferPointer], level: Int) -> [UInt8] {
    withWhole(segments) { gzip($0, level: level) }
  }

  /// One gzip member.
  ///
  /// - Parameters:
  ///   - bytes: what is compressed.
  ///   - level: 1 (fast) to 12 (small).
  /// - Returns: a complete gzip file.
  package static func gzip(_ bytes: UnsafeRawBufferPointer, level: Int) -> [UInt8] {
    precondition(1...12 ~= level, "gzip has levels 1 to 12, not \(level)")
    return compressed(capacity: ccompression_gzip_bound(bytes.count)) { output in
      ccompression_gzip(bytes.baseAddress, bytes.count, output.baseAddress, output.count, Int32(level))
    }
  }
}

/// Compresses whole messages with Zstandard.
package enum Zstd {
  /// One zstd frame of the segments put together, as below.
  package static func compress(_ segments: [UnsafeRawBufferPointer], level: Int) -> [UInt8] {
    withWhole(segments) { compress($0, level: level) }
  }

  /// One zstd frame, with its size and a checksum.
  ///
  /// - Parameters:
  ///   - bytes: what is compressed.
  ///   - level: negative ones (fastest) to 22 (smallest); libzstd's default is 3.
  /// - Returns: a complete frame, which may be followed by others in a file.
  package static func compress(_ bytes: UnsafeRawBufferPointer, level: Int) -> [UInt8] {
    compressed(capacity: ccompression_zstd_bound(bytes.count)) { output in
      ccompression_zstd(bytes.baseAddress, bytes.count, output.baseAddress, output.count, Int32(clamping: level))
    }
  }
}

/// Copies several segments together first.
private func withWhole(
  _ segments: [UnsafeRawBufferPointer], _ body: (UnsafeRawBufferPointer) -> [UInt8]
) -> [UInt8] {
  guard segments.count != 1 else { return body(segments[0]) }
  let whole = UnsafeMutableRawBufferPointer.allocate(byteCount: segments.reduce(0) { $0 + $1.count }, alignment: 1)
  defer { whole.deallocate() }
  var offset = 0
  for segment in segments {
    UnsafeMutableRawBufferPointer(rebasing: whole[offset...]).copyMemory(from: segment)
    offset += segment.count
  }
  return body(UnsafeRawBufferPointer(whole))
}

/// Compresses into scratch memory, then copies: the bound is about the size of the input, and an array that waits in a
/// queue should hold no more than what it contains.
private func compressed(capacity: Int, _ compress: (UnsafeMutableRawBufferPointer) -> Int) -> [UInt8] {
  let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 1)
  defer { scratch.deallocate() }
  let count = compress(scratch)
  // With room for the bound, memory is all that can be missing.
  guard count > 0 else { fatalError("out of memory: a compressor") }
  return [UInt8](UnsafeRawBufferPointer(rebasing: scratch[..<count]))
}
