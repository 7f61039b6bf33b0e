/// A row of `trees`: the tree of the trace whose id is the row's, or a **bundle**, with the trees of several traces. A row for
/// each tree would cost several times as much to write, and leave room at the end of each page.
///
/// A bundle begins with a byte of 0, as no tree does, since no record's length is 0. Then comes for each trace, in the order of their ids:
///
///     length     varint   bytes of the tree, at least 1
///     trace      varint   how much the trace's id is more than the row's
///     tree                `SpanRecord`s
///
/// Zeros before a length are room where another trace was. Traces between a row's first and last lie in no other row, so the row
/// of a trace is the one with the highest id that is not above the trace's.
struct TreeRow {
  /// Where a trace is in the row.
  struct Place: Equatable {
    var trace: Int64
    /// With what stands before the tree.
    var whole: Range<Int>
    var tree: Range<Int>
  }

  private let row: Int64
  private let bytes: UnsafeRawBufferPointer
  private var reader: VarintReader

  /// - Parameters:
  ///   - row: the row's id.
  ///   - bytes: its `records`.
  init(_ row: Int64, _ bytes: UnsafeRawBufferPointer) {
    self.row = row
    self.bytes = bytes
    reader = VarintReader(bytes)
  }

  /// The next trace; nil behind the last one, and at bytes that make no sense.
  mutating func next() -> Place? {
    if !bytes.isEmpty, bytes[0] != Self.bundleMark {
      guard reader.position == 0 else { return nil }
      reader.position = bytes.count
      return Place(trace: row, whole: bytes.indices, tree: bytes.indices)
    }
    while reader.position < bytes.count, bytes[reader.position] == 0 { reader.position += 1 }
    let start = reader.position
    guard let length = reader.next(), let distance = reader.next(), length <= bytes.count - reader.position else {
      reader.position = bytes.count
      return nil
    }
    let tree = reader.position..<reader.position + Int(length)
    reader.position = tree.upperBound
    return Place(trace: row &+ Int64(truncatingIfNeeded: distance), whole: start..<tree.upperBound, tree: tree)
  }

  // MARK: Writing

  /// What a bundle begins with.
  static let bundleMark: UInt8 = 0

  /// Adds what stands before a tree in the bundle with the id `row`.
  static func appendHead(of trace: Int64, byteCount: Int, in row: Int64, to bundle: inout [UInt8]) {
    bundle.append(varint: UInt64(byteCount))
    bundle.append(varint: UInt64(trace - row))
  }

  /// What a row has when some traces are taken out of it.
  enum Rest: Equatable {
    case unchanged
    case bytes([UInt8])
    /// No trace is left.
    case nothing
  }

  /// Takes traces out of a row.
  ///
  /// A bundle that stays as large as it is takes writing of those of its pages only where they were. So there are zeros
  /// instead of them, until more than half of it is room.
  ///
  /// - Parameters:
  ///   - row: the row's id.
  ///   - bytes: its `records`.
  ///   - isGone: which of the traces.
  /// - Returns: what is left, under the same id; and the last of the traces that it had.
  static func rest(
    of row: Int64, _ bytes: UnsafeRawBufferPointer, without isGone: (Int64) -> Bool
  ) -> (rest: Rest, last: Int64) {
    var (kept, gone): ([Range<Int>], [Range<Int>]) = ([], [])
    var last = row
    var reader = TreeRow(row, bytes)
    while let place = reader.next() {
      last = place.trace
      if isGone(place.trace) { gone.append(place.whole) } else { kept.append(place.whole) }
    }
    if gone.isEmpty { return (.unchanged, last) }
    if kept.isEmpty { return (.nothing, last) }
    let keptCount = kept.reduce(1) { $0 + $1.count }
    if keptCount < bytes.count / 2 { return (.bytes(kept.reduce(into: [bundleMark]) { $0 += bytes[$1] }), last) }
    var rest = Array(bytes)
    for range in gone { rest.replaceSubrange(range, with: repeatElement(0, count: range.count)) }
    return (.bytes(rest), last)
  }
}
