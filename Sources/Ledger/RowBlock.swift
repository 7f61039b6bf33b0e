/// What filters look for in 1024 rows that follow one another by their ids: of each row the numbers of a few columns, 0 where
/// there is none. Rare values are found by going through blocks, a few bytes a row, instead of the rows themselves.
enum RowBlock {
  /// Rows of a block.
  static let size = 1024

  /// The tables of blocks, and which column is where in them.
  enum Column {
    static let traceName = 0
    static let traceLabels = 1
    static let traceMetadata = 2
    /// Of users and sessions.
    static let metadata = 0
  }

  /// The block that a row is in, and its place there.
  static func place(of row: Int64) -> (block: Int64, slot: Int) {
    (row >> 10, Int(row & Int64(size - 1)))
  }

  // MARK: As bytes

  /// How many rows there are, as two bytes. Then for each column how many bytes a number has, and the numbers; all numbers
  /// little-endian.
  ///
  /// - Parameters:
  ///   - columns: of each column the numbers of all rows.
  ///   - count: rows from which on all are without any.
  /// - Returns: the bytes.
  static func bytes(of columns: [[Int64]], count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(2 + columns.count * (1 + count * 4))
    bytes.append(UInt8(truncatingIfNeeded: count))
    bytes.append(UInt8(truncatingIfNeeded: count >> 8))
    for column in columns {
      let width = width(of: column[..<count].max() ?? 0)
      bytes.append(UInt8(width))
      for value in column[..<count] {
        for shift in 0..<width { bytes.append(UInt8(truncatingIfNeeded: value >> Int64(shift * 8))) }
      }
    }
    return bytes
  }

  private static func width(of most: Int64) -> Int {
    let needed = (Int64.bitWidth - most.leadingZeroBitCount + 7) / 8
    return needed > 4 ? 8 : needed
  }

  /// Lends the numbers of a column, each with its row's place, but not those that are 0.
  @inline(__always)
  static func forEach(column: Int, of bytes: UnsafeRawBufferPointer, _ body: (_ slot: Int, _ value: UInt64) -> Void) {
    guard bytes.count >= 2 else { return }
    let count = Int(bytes[0]) | Int(bytes[1]) << 8
    var offset = 2
    for _ in 0..<column {
      guard offset < bytes.count else { return }
      offset += 1 + Int(bytes[offset]) * count
    }
    guard offset < bytes.count, count <= size, offset + 1 + Int(bytes[offset]) * count <= bytes.count else { return }
    let numbers = UnsafeRawBufferPointer(rebasing: bytes[(offset + 1)...])
    switch bytes[offset] {
    case 1: forEach(UInt8.self, numbers, count, body)
    case 2: forEach(UInt16.self, numbers, count, body)
    case 3:
      for slot in 0..<count {
        let value =
          UInt64(numbers[slot * 3]) | UInt64(numbers[slot * 3 + 1]) << 8 | UInt64(numbers[slot * 3 + 2]) << 16
        if value != 0 { body(slot, value) }
      }
    case 4: forEach(UInt32.self, numbers, count, body)
    case 8: forEach(UInt64.self, numbers, count, body)
    default: break
    }
  }

  @inline(__always)
  private static func forEach<Number: FixedWidthInteger & BitwiseCopyable>(
    _ type: Number.Type, _ numbers: UnsafeRawBufferPointer, _ count: Int, _ body: (Int, UInt64) -> Void
  ) {
    for slot in 0..<count {
      let value = Number(
        littleEndian: numbers.loadUnaligned(fromByteOffset: slot * MemoryLayout<Number>.size, as: Number.self))
      if value != 0 { body(slot, UInt64(truncatingIfNeeded: value)) }
    }
  }
}
