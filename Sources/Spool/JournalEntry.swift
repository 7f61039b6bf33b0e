import Compression

/// How a journal's entries stand in its files.
///
///     0  magic    8  time (nanoseconds of SpoolClock)
///     4  bytes    16 checksum of bytes, time and what follows    20 zero    24 the entry, and zeros up to a multiple of 8
enum JournalEntry {
  static let headerSize = 24
  /// "HLJE" in the file.
  private static let magic: UInt32 = 0x454A_4C48
  /// Bytes of one entry, beyond which nothing is taken for one.
  static let maxLength = 1 << 24

  static func append(_ entry: UnsafeRawBufferPointer, time: UInt64, to bytes: inout [UInt8]) {
    // As few appends as possible: this is done for each trace.
    withUnsafeTemporaryAllocation(byteCount: headerSize, alignment: 8) { header in
      header.store(magic, at: 0)
      header.store(UInt32(entry.count), at: 4)
      header.store(time, at: 8)
      let start = Checksum.crc32(UnsafeRawBufferPointer(header).part(from: 4, count: 12))
      header.store(UInt64(Checksum.crc32(entry, after: start)), at: 16)
      bytes.append(contentsOf: header)
    }
    bytes.append(contentsOf: entry)
    for _ in entry.count..<aligned(entry.count) { bytes.append(0) }
  }

  /// Hands out the sound entries from `start` on.
  ///
  /// - Returns: places that are damaged, an unfinished end left out.
  static func read(
    _ bytes: UnsafeRawBufferPointer, from start: Int, _ body: (UnsafeRawBufferPointer, UInt64) -> Void
  ) -> Int {
    var damages = 0
    var position = start
    var isInDamage = false
    while position + headerSize <= bytes.count {
      guard let length = length(bytes, at: position) else {
        isInDamage = true
        position += 8
        continue
      }
      if isInDamage { damages += 1 }
      isInDamage = false
      body(bytes.part(from: position + headerSize, count: length), bytes.number(at: position + 8))
      position += headerSize + aligned(length)
    }
    return damages
  }

  /// Bytes of the entry at `position`; nil if there is no sound one.
  private static func length(_ bytes: UnsafeRawBufferPointer, at position: Int) -> Int? {
    guard bytes.number(at: position) == magic else { return nil }
    let length = Int(bytes.number(at: position + 4, as: UInt32.self))
    guard length <= maxLength, length <= bytes.count - position - headerSize else { return nil }
    return checksum(bytes, at: position, length: length) == bytes.number(at: position + 16) ? length : nil
  }

  private static func checksum(_ bytes: UnsafeRawBufferPointer, at position: Int, length: Int) -> UInt32 {
    Checksum.crc32(
      bytes.part(from: position + headerSize, count: length),
      after: Checksum.crc32(bytes.part(from: position + 4, count: 12)))
  }
}
