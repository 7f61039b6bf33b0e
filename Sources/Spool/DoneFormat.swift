import Compression

/// Entries of a done file: which records of a segment, or which units of them, are done. Each is sound or not for itself.
///
///     0  checksum of what follows, after the segment's number
///     4  the record's offset, in 8 bytes
///     8  the first word; or all ones: the whole record is done
///     12 number of words, zero for a whole record; the highest byte marks an entry
///     16 the words: a bit for each unit that is done
enum DoneFormat {
  static let entrySize = 16
  private static let wholeRecord = UInt32.max
  private static let mark: UInt32 = 0xD0 << 24

  /// What the entries of a file come to.
  struct Contents {
    /// Records that are done, by offset.
    var whole: Set<Int> = []
    /// Words of other records.
    var words: [Int: [(index: Int, bits: UInt64)]] = [:]
    /// Bytes from the file's start to the end of the last sound entry.
    var soundLength = 0
    /// Runs of bytes that are no entries, the torn end left out.
    var damages = 0
  }

  static func appendWhole(_ offset: Int, segment: UInt64, to bytes: inout [UInt8]) {
    append(offset, first: wholeRecord, words: EmptyCollection(), segment: segment, to: &bytes)
  }

  static func append(
    _ offset: Int, first: Int, words: some Collection<UInt64>, segment: UInt64, to bytes: inout [UInt8]
  ) {
    append(offset, first: UInt32(first), words: words, segment: segment, to: &bytes)
  }

  private static func append(
    _ offset: Int, first: UInt32, words: some Collection<UInt64>, segment: UInt64, to bytes: inout [UInt8]
  ) {
    let start = bytes.count
    bytes.append(number: UInt32(0))
    bytes.append(number: UInt32(offset / 8))
    bytes.append(number: first)
    bytes.append(number: UInt32(words.count) | mark)
    for word in words { bytes.append(number: word) }
    bytes.withUnsafeMutableBytes {
      let entry = UnsafeRawBufferPointer($0)
      $0.store(
        Checksum.crc32(
          entry.part(from: start + 4, count: entry.count - start - 4), after: UInt32(truncatingIfNeeded: segment)),
        at: start)
    }
  }

  /// Reads all sound entries after the file's header.
  static func read(_ bytes: UnsafeRawBufferPointer, segment: UInt64) -> Contents {
    var contents = Contents()
    var position = FileHeader.size
    contents.soundLength = min(position, bytes.count)
    while let length = entryLength(bytes, at: position, segment: segment) ?? search(bytes, &position, segment) {
      if position != contents.soundLength { contents.damages += 1 }
      let offset = Int(bytes.number(at: position + 4, as: UInt32.self)) * 8
      let first = bytes.number(at: position + 8, as: UInt32.self)
      if first == wholeRecord {
        contents.whole.insert(offset)
        contents.words[offset] = nil
      } else if !contents.whole.contains(offset) {
        for index in 0..<(length - entrySize) / 8 {
          contents.words[offset, default: []].append(
            (Int(first) + index, bytes.number(at: position + entrySize + index * 8)))
        }
      }
      position += length
      contents.soundLength = position
    }
    return contents
  }

  private static func search(_ bytes: UnsafeRawBufferPointer, _ position: inout Int, _ segment: UInt64) -> Int? {
    while position + entrySize <= bytes.count {
      position += 8
      if let length = entryLength(bytes, at: position, segment: segment) { return length }
    }
    return nil
  }

  /// Bytes of the entry at `position`; nil if there is none.
  private static func entryLength(_ bytes: UnsafeRawBufferPointer, at position: Int, segment: UInt64) -> Int? {
    guard position + entrySize <= bytes.count else { return nil }
    let count = Int(bytes.number(at: position + 12, as: UInt32.self) ^ mark)
    guard count <= RecordHeader.maxUnits / 64, position + entrySize + count * 8 <= bytes.count else { return nil }
    let checksum = Checksum.crc32(
      bytes.part(from: position + 4, count: entrySize - 4 + count * 8), after: UInt32(truncatingIfNeeded: segment))
    return checksum == bytes.number(at: position) ? entrySize + count * 8 : nil
  }
}
