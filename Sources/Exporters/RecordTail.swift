import Glibc

/// The end of a file of records, as a process that was killed may have left it.
enum RecordTail: Equatable {
  /// The file ends with a whole record.
  case whole
  /// What begins at this offset is the beginning of a record.
  case cut(at: Int)
  /// The last line may be whole, but lacks its line feed.
  case unterminated
  /// Not even the first record is whole: perhaps these are no records at all.
  case unreadable

  /// Looks at an open file.
  ///
  /// - Parameters:
  ///   - file: a descriptor that can be read.
  ///   - size: of the file, in bytes.
  ///   - isLengthPrefixed: whether each record has its length in front; otherwise it is a line.
  init(of file: Int32, size: Int, isLengthPrefixed: Bool) {
    self = isLengthPrefixed ? Self.frames(file, size) : Self.lines(file, size)
  }

  private static func frames(_ file: Int32, _ size: Int) -> RecordTail {
    var offset = 0
    while offset < size {
      var length: UInt32 = 0
      let count = pread(file, &length, 4, offset)
      // What cannot be read must not be cut off.
      if count < 0 { return .whole }
      let end = count == 4 ? offset + 4 + Int(UInt32(bigEndian: length)) : Int.max
      if end > size { return offset == 0 ? .unreadable : .cut(at: offset) }
      offset = end
    }
    return .whole
  }

  private static func lines(_ file: Int32, _ size: Int) -> RecordTail {
    guard size > 0, byte(file, size - 1) != UInt8(ascii: "\n") else { return .whole }
    let start = lastLineStart(file, size)
    // Every record is a JSON object: one that is closed may be one that an editor took the line feed from.
    let isCut = byte(file, start) == UInt8(ascii: "{") && isOpen(file, from: start, to: size)
    return isCut ? .cut(at: start) : .unterminated
  }

  /// Whether what is in the range lacks closing brackets or quotes, as every beginning of a JSON object does. What cannot
  /// be read lacks none.
  private static func isOpen(_ file: Int32, from start: Int, to end: Int) -> Bool {
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    var depth = 0
    var isInText = false
    var isEscaped = false
    var offset = start
    while offset < end {
      let count = pread(file, &chunk, min(end - offset, chunk.count), offset)
      guard count > 0 else { return false }
      offset += count
      for byte in chunk[..<count] {
        if isEscaped {
          isEscaped = false
        } else if isInText {
          isEscaped = byte == UInt8(ascii: "\\")
          isInText = byte != UInt8(ascii: "\"")
        } else {
          switch byte {
          case UInt8(ascii: "\""): isInText = true
          case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
          case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
          default: break
          }
        }
      }
    }
    return isInText || depth > 0
  }

  private static func byte(_ file: Int32, _ offset: Int) -> UInt8? {
    var byte: UInt8 = 0
    return offset >= 0 && pread(file, &byte, 1, offset) == 1 ? byte : nil
  }

  private static func lastLineStart(_ file: Int32, _ size: Int) -> Int {
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    var end = size
    while end > 0 {
      let start = max(end - chunk.count, 0)
      let count = pread(file, &chunk, end - start, start)
      guard count == end - start else { return size }
      if let feed = chunk[..<count].lastIndex(of: UInt8(ascii: "\n")) { return start + feed + 1 }
      end = start
    }
    return 0
  }
}
