import CCompression

extension Inflate {
  /// Decompresses a zstd file of one or more frames. No window is kept beside what comes out, however large a frame says
  /// that its window is.
  ///
  /// - Parameters:
  ///   - input: the whole file.
  ///   - limit: the most bytes that may come out.
  ///   - reserve: returns memory of at least that many bytes, which starts with what was written to it before.
  /// - Returns: how many bytes of the reserved memory are valid.
  /// - Throws: when the input is no intact zstd file, or larger than the limit.
  package static func zstd(
    _ input: UnsafeRawBufferPointer, limit: Int, reserve: (Int) -> UnsafeMutableRawBufferPointer
  ) throws(InflateError) -> Int {
    guard !input.isEmpty else { throw .empty }
    var rest = input
    var total = 0
    repeat {
      var size = 0
      var claimed: Int64 = 0
      guard ccompression_zstd_frame(rest.baseAddress, rest.count, &size, &claimed) == CCOMPRESSION_OK else {
        throw rest.count == input.count || beginsLikeFrame(rest) ? .corrupt : .trailingBytes
      }
      // A frame that lies about its content is corrupt: the library does not write more, nor accepts less.
      guard claimed <= limit - total else { throw .tooLarge(limit: limit) }
      let frame = UnsafeRawBufferPointer(rebasing: rest[..<size])
      total += try GuessedRoom.fill(
        from: frame, after: total, limit: limit, possible: claimed < 0 ? .max : Int(claimed),
        claimedSize: claimed < 0 ? nil : Int(claimed), reserve: reserve
      ) { memory, produced in
        ccompression_unzstd(frame.baseAddress, frame.count, memory.baseAddress, memory.count, &produced)
      }.count
      rest = UnsafeRawBufferPointer(rebasing: rest[size...])
    } while !rest.isEmpty
    return total
  }

  /// The magic number of a frame, of a skippable one or its beginning.
  private static func beginsLikeFrame(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let frame: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD]
    let skippable: [UInt8] = [bytes[0] & 0xF0 == 0x50 ? bytes[0] : 0x50, 0x2A, 0x4D, 0x18]
    return [frame, skippable].contains { $0.prefix(bytes.count).elementsEqual(bytes.prefix($0.count)) }
  }
}
