/// Which units a moved record has, and where their bytes were and are.
final class UnitTable: Sendable {
  struct Entry: Equatable {
    var unit: UInt32
    /// From the payload's start, as it was accepted.
    var originalOffset: UInt32
    /// From the moved payload's start.
    var offset: UInt32
    var length: UInt32
  }

  static let entrySize = 16

  /// In the order of the moved payload.
  let entries: [Entry]
  /// The same memory, where the orders are the same.
  private let byOriginalOffset: [Entry]

  private init(_ entries: [Entry]) {
    self.entries = entries
    let isSorted = zip(entries, entries.dropFirst()).allSatisfy { $0.originalOffset <= $1.originalOffset }
    byOriginalOffset = isSorted ? entries : entries.sorted { $0.originalOffset < $1.originalOffset }
  }

  /// Nil if an entry names what is not there, or a unit twice.
  convenience init?(_ entries: [Entry], unitCount: Int, payloadLength: Int) {
    var seen = Set<UInt32>(minimumCapacity: entries.count)
    for entry in entries {
      guard entry.unit < unitCount, seen.insert(entry.unit).inserted,
        Int(entry.offset) + Int(entry.length) <= payloadLength,
        Int(entry.originalOffset) + Int(entry.length) <= RecordHeader.maxPayload
      else { return nil }
    }
    self.init(entries)
  }

  /// The table in a file.
  convenience init?(_ bytes: UnsafeRawBufferPointer, unitCount: Int, payloadLength: Int) {
    let entries = stride(from: 0, to: bytes.count, by: Self.entrySize).map {
      Entry(
        unit: bytes.number(at: $0), originalOffset: bytes.number(at: $0 + 4), offset: bytes.number(at: $0 + 8),
        length: bytes.number(at: $0 + 12))
    }
    self.init(entries, unitCount: unitCount, payloadLength: payloadLength)
  }

  func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(entries.count * Self.entrySize)
    for entry in entries {
      bytes.append(number: entry.unit)
      bytes.append(number: entry.originalOffset)
      bytes.append(number: entry.offset)
      bytes.append(number: entry.length)
    }
    return bytes
  }

  var units: [UInt32] { entries.map(\.unit) }

  /// Where in the moved payload the bytes are that were at `offset`; nil unless all of them are in one unit of the table.
  func offset(ofOriginal offset: Int, count: Int) -> Int? {
    var low = 0
    var high = byOriginalOffset.count
    while low < high {
      let middle = (low + high) / 2
      if byOriginalOffset[middle].originalOffset <= offset { low = middle + 1 } else { high = middle }
    }
    guard low > 0 else { return nil }
    let entry = byOriginalOffset[low - 1]
    let within = offset - Int(entry.originalOffset)
    return within + count <= entry.length ? Int(entry.offset) + within : nil
  }

  /// The table of what was reduced from a payload that has this table: a unit's bytes are named by where they were when
  /// the request was accepted.
  ///
  /// - Returns: nil if `reduced` has what this table has not.
  func compose(_ reduced: [Entry]) -> [Entry]? {
    let known = Dictionary(entries.map { ($0.unit, $0) }, uniquingKeysWith: { first, _ in first })
    var composed: [Entry] = []
    for var entry in reduced {
      guard let old = known[entry.unit], entry.originalOffset >= old.offset,
        UInt64(entry.originalOffset - old.offset) + UInt64(entry.length) <= UInt64(old.length)
      else { return nil }
      entry.originalOffset = old.originalOffset + (entry.originalOffset - old.offset)
      composed.append(entry)
    }
    return composed
  }
}
