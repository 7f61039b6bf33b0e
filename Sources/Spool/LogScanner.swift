import Compression

/// Finds the records in a segment's file by their headers, without reading the payloads.
struct LogScanner: ~Copyable {
  struct Found {
    var header: RecordHeader
    var offset: Int
    /// Nil for a request.
    var table: UnitTable?
  }

  /// Bytes that are no record.
  struct Damage {
    var offset: Int
    var length: Int
    /// Nothing but what a crash leaves of the last write.
    var isTornEnd: Bool
  }

  private let file: File
  private let size: Int
  private let isNewest: Bool
  private let sequences: Range<UInt64>?
  private var salt: UInt32?
  private var position = FileHeader.size
  private var window = GrowingMemory()
  private var windowStart = 0
  private var windowLength = 0
  private(set) var damages: [Damage] = []

  /// - Parameters:
  ///   - file: the segment's.
  ///   - size: bytes in it.
  ///   - salt: nil when the file's header does not tell; the first record does then.
  ///   - sequences: where nothing of the header reached the disk, of the requests that may be in the segment: only such a
  ///     request tells then. The file may have been another segment's before, whose records are still there.
  ///   - isNewest: whether the segment may have been written to when the process ended.
  init(_ file: File, size: Int, salt: UInt32?, sequences: Range<UInt64>?, isNewest: Bool) {
    self.file = file
    self.size = size
    self.salt = salt
    self.sequences = sequences
    self.isNewest = isNewest
  }

  /// The segment's salt, if anything has told it.
  var foundSalt: UInt32? { salt }

  /// The next record whose header and table are sound.
  mutating func next() -> Found? {
    while position < size {
      guard let header = header(at: position) else {
        let start = position
        guard search() else {
          noteEnd(from: start)
          return nil
        }
        damages.append(Damage(offset: start, length: position - start, isTornEnd: false))
        continue
      }
      guard header.totalLength <= size - position else {
        damages.append(Damage(offset: position, length: size - position, isTornEnd: true))
        position = size
        return nil
      }
      salt = header.salt
      let offset = position
      position += header.totalLength
      guard header.kind == .moved else { return Found(header: header, offset: offset) }
      if let table = table(header, at: offset) { return Found(header: header, offset: offset, table: table) }
      damages.append(Damage(offset: offset, length: header.totalLength, isTornEnd: false))
    }
    return nil
  }

  private mutating func header(at offset: Int) -> RecordHeader? {
    guard let bytes = bytes(at: offset, atLeast: RecordHeader.size, upTo: 4096) else { return nil }
    return recordHeader(bytes)
  }

  private func recordHeader(_ bytes: UnsafeRawBufferPointer) -> RecordHeader? {
    guard let header = RecordHeader(bytes, salt: salt) else { return nil }
    guard salt == nil, let sequences else { return header }
    // A moved record keeps its number, so it does not tell whose it is. Without the file's header it was not on the disk
    // for sure, and its old place is still there.
    return header.kind == .request && sequences.contains(header.sequence) ? header : nil
  }

  private mutating func table(_ header: RecordHeader, at offset: Int) -> UnitTable? {
    guard
      let bytes = bytes(
        at: offset + RecordHeader.size, atLeast: header.tableLength, upTo: header.tableLength)
    else { return nil }
    let table = UnsafeRawBufferPointer(rebasing: bytes.prefix(header.tableLength))
    guard Checksum.crc32(table) == header.tableChecksum else { return nil }
    return UnitTable(table, unitCount: header.unitCount, payloadLength: header.payloadLength)
  }

  /// Moves on to the next sound header. Returns false, and stays, if there is none.
  private mutating func search() -> Bool {
    var candidate = position + 8
    while candidate + RecordHeader.size <= size {
      guard let bytes = bytes(at: candidate, atLeast: RecordHeader.size, upTo: 1 << 16) else {
        // Nothing can be read here: perhaps on the next page.
        candidate = (candidate / 4096 + 1) * 4096
        continue
      }
      var offset = 0
      while offset + RecordHeader.size <= bytes.count {
        if bytes.number(at: offset) == RecordHeader.magic,
          recordHeader(UnsafeRawBufferPointer(rebasing: bytes[offset...])) != nil
        {
          position = candidate + offset
          return true
        }
        offset += 8
      }
      candidate += offset
    }
    return false
  }

  /// A log ends with its mark. Where the length was noted before the bytes, a crash leaves zeros too.
  private mutating func noteEnd(from start: Int) {
    if hasEndMark(at: start) {
      position = size
      return
    }
    let isTornEnd = size - start < RecordHeader.size || isNewest || isBegun(at: start)
    damages.append(Damage(offset: start, length: size - start, isTornEnd: isTornEnd))
    position = size
  }

  /// Whether a header of this segment begins here. In a file that was used before, old bytes may stand where it ends.
  private mutating func isBegun(at offset: Int) -> Bool {
    guard let salt, let bytes = bytes(at: offset, atLeast: 8, upTo: 4096) else { return false }
    return bytes.number(at: 0) == RecordHeader.magic && bytes.number(at: 4) == salt
  }

  private mutating func hasEndMark(at offset: Int) -> Bool {
    bytes(at: offset, atLeast: RecordHeader.endMarkSize, upTo: 4096)?.prefix(RecordHeader.endMarkSize)
      .allSatisfy { $0 == 0 } ?? false
  }

  /// Bytes of the file, from memory if they were read before; nil if there are fewer or they can't be read.
  private mutating func bytes(at offset: Int, atLeast: Int, upTo: Int) -> UnsafeRawBufferPointer? {
    if offset < windowStart || offset + atLeast > windowStart + windowLength {
      windowStart = offset
      windowLength = (try? file.read(into: window.buffer(max(atLeast, upTo)), at: offset)) ?? 0
      guard windowLength >= atLeast else { return nil }
    }
    return UnsafeRawBufferPointer(window.buffer(windowLength)).part(
      from: offset - windowStart, count: windowStart + windowLength - offset)
  }
}
