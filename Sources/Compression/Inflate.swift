import CCompression

/// Why bytes cannot be inflated. All of them are the sender's doing.
package enum InflateError: Error, Equatable {
  /// No bytes at all: not even an empty stream.
  case empty
  /// More than the limit allows would come out.
  case tooLarge(limit: Int)
  /// Broken or cut off.
  case corrupt
  /// Everything can be read, but it is not what was compressed.
  case checksumMismatch
  /// Bytes after the end which are no further member.
  case trailingBytes
}

/// Decompresses whole messages straight into memory that the caller provides, usually a pooled buffer.
///
/// The memory grows with what really comes out: the size that a message claims for itself is only believed as far as
/// it is likely.
package enum Inflate {
  /// Inflates a gzip file of one or more members.
  ///
  /// - Parameters:
  ///   - input: the whole file.
  ///   - limit: the most bytes that may come out.
  ///   - reserve: returns memory of at least that many bytes, which starts with what was written to it before.
  /// - Returns: how many bytes of the reserved memory are valid.
  /// - Throws: when the input is no intact gzip file, or larger than the limit.
  package static func gzip(
    _ input: UnsafeRawBufferPointer, limit: Int, reserve: (Int) -> UnsafeMutableRawBufferPointer
  ) throws(InflateError) -> Int {
    guard !input.isEmpty else { throw .empty }
    var rest = input
    var total = 0
    repeat {
      guard rest.count == input.count || GzipHeader.isMagic(rest) else { throw .trailingBytes }
      guard let header = GzipHeader.length(in: rest) else { throw .corrupt }
      // The last four bytes are the size of the last member, which mostly is the only one.
      let claimed = rest.count >= 4 ? Int(UInt32(littleEndian: load(rest, at: rest.count - 4))) : 0
      let stream = UnsafeRawBufferPointer(rebasing: rest[header...])
      let (consumed, member) = try RawDeflate.inflate(
        stream, after: total, limit: limit, claimedSize: claimed, reserve: reserve)
      guard stream.count - consumed >= 8 else { throw .corrupt }
      guard
        UInt32(littleEndian: load(stream, at: consumed)) == ccompression_crc32(0, member.baseAddress, member.count),
        UInt32(littleEndian: load(stream, at: consumed + 4)) == UInt32(truncatingIfNeeded: member.count)
      else { throw .checksumMismatch }
      total += member.count
      rest = UnsafeRawBufferPointer(rebasing: stream[(consumed + 8)...])
    } while !rest.isEmpty
    return total
  }

  /// Inflates a zlib stream, which HTTP calls `deflate`.
  ///
  /// - Parameters:
  ///   - input: the whole stream.
  ///   - limit: the most bytes that may come out.
  ///   - reserve: returns memory of at least that many bytes, which starts with what was written to it before.
  /// - Returns: how many bytes of the reserved memory are valid.
  /// - Throws: when the input is no intact zlib stream, or larger than the limit.
  package static func zlib(
    _ input: UnsafeRawBufferPointer, limit: Int, reserve: (Int) -> UnsafeMutableRawBufferPointer
  ) throws(InflateError) -> Int {
    guard !input.isEmpty else { throw .empty }
    guard hasZlibHeader(input) else { throw .corrupt }
    let stream = UnsafeRawBufferPointer(rebasing: input[2...])
    let (consumed, content) = try RawDeflate.inflate(
      stream, after: 0, limit: limit, claimedSize: nil, reserve: reserve)
    guard stream.count - consumed >= 4 else { throw .corrupt }
    guard UInt32(bigEndian: load(stream, at: consumed)) == ccompression_adler32(content.baseAddress, content.count)
    else { throw .checksumMismatch }
    guard stream.count - consumed == 4 else { throw .trailingBytes }
    return content.count
  }

  /// Inflates what HTTP calls `deflate`: a zlib stream, or the bare DEFLATE stream that some clients take it for. No
  /// compressor writes one that begins like a zlib stream: it would have a stored block with rubbish in the bits that pad
  /// it.
  ///
  /// - Parameters:
  ///   - input: the whole stream.
  ///   - limit: the most bytes that may come out.
  ///   - reserve: returns memory of at least that many bytes, which starts with what was written to it before.
  /// - Returns: how many bytes of the reserved memory are valid.
  /// - Throws: when the input is no intact stream of either kind, or larger than the limit.
  package static func deflate(
    _ input: UnsafeRawBufferPointer, limit: Int, reserve: (Int) -> UnsafeMutableRawBufferPointer
  ) throws(InflateError) -> Int {
    if input.isEmpty || hasZlibHeader(input) { return try zlib(input, limit: limit, reserve: reserve) }
    let (consumed, content) = try RawDeflate.inflate(
      input, after: 0, limit: limit, claimedSize: nil, reserve: reserve)
    guard consumed == input.count else { throw .trailingBytes }
    return content.count
  }

  /// Method 8 with a window of at most 32 KiB, no preset dictionary, and a check that makes it a multiple of 31.
  private static func hasZlibHeader(_ input: UnsafeRawBufferPointer) -> Bool {
    input.count >= 2 && input[0] & 0x0F == 8 && input[0] >> 4 <= 7 && input[1] & 0x20 == 0
      && (Int(input[0]) << 8 | Int(input[1])) % 31 == 0
  }

  private static func load(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> UInt32 {
    bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
  }
}

/// What the formats around DEFLATE have in common.
private enum RawDeflate {
  /// DEFLATE makes at most that many bytes of one.
  private static let maxRatio = 1032

  /// Inflates one stream behind the first `count` bytes of the reserved memory.
  static func inflate(
    _ stream: UnsafeRawBufferPointer, after count: Int, limit: Int, claimedSize: Int?,
    reserve: (Int) -> UnsafeMutableRawBufferPointer
  ) throws(InflateError) -> (consumed: Int, content: UnsafeRawBufferPointer) {
    var consumed = 0
    let content = try GuessedRoom.fill(
      from: stream, after: count, limit: limit, possible: stream.count * maxRatio, claimedSize: claimedSize,
      reserve: reserve
    ) { memory, produced in
      ccompression_inflate(stream.baseAddress, stream.count, memory.baseAddress, memory.count, &consumed, &produced)
    }
    return (consumed, content)
  }
}

/// Memory for what comes out of a decompressor that wants it in one piece, when nobody knows how much that is.
enum GuessedRoom {
  /// More than telemetry is usually compressed by: what claims to be compressed more has to prove it.
  private static let likelyRatio = 32
  private static let minCapacity = 64 << 10

  /// Has one stream decompressed behind the first `count` bytes of the reserved memory, within the limit for all of it, and
  /// where the stream can hold so many bytes at most. The libraries cannot go on where they ran out of room: they start again
  /// with four times as much, so that the work in vain stays below a third of the work. `decompress` fills memory from its
  /// beginning, and stores how far. Returns what came out.
  static func fill(
    from stream: UnsafeRawBufferPointer, after count: Int, limit: Int, possible: Int, claimedSize: Int?,
    reserve: (Int) -> UnsafeMutableRawBufferPointer,
    _ decompress: (UnsafeMutableRawBufferPointer, inout Int) -> ccompression_status
  ) throws(InflateError) -> UnsafeRawBufferPointer {
    let most = min(limit - count, possible)
    let likely = max(stream.count * likelyRatio, minCapacity)
    var capacity = min(claimedSize ?? likely, likely, most)
    while true {
      let memory = UnsafeMutableRawBufferPointer(rebasing: reserve(count + capacity)[count..<(count + capacity)])
      var produced = 0
      switch decompress(memory, &produced) {
      case CCOMPRESSION_OK: return UnsafeRawBufferPointer(rebasing: memory[..<produced])
      case CCOMPRESSION_NO_ROOM where capacity < most: capacity = min(max(capacity, minCapacity) * 4, most)
      case CCOMPRESSION_NO_ROOM where most == limit - count: throw .tooLarge(limit: limit)
      case CCOMPRESSION_MISMATCH: throw .checksumMismatch
      case CCOMPRESSION_OUT_OF_MEMORY: fatalError("out of memory: a decompressor")
      default: throw .corrupt
      }
    }
  }
}
