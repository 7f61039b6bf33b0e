import Compression

/// What stands before each record in a segment. After it come the unit table, the payload, and zeros up to a multiple of 8.
///
///     0  magic          24 kind                40 checksum of the table
///     4  salt           28 units               44 checksum of the payload
///     8  sequence       32 payload bytes       48 follower
///     16 arrival        36 table bytes         52 checksum of all before
///
/// At 48: 1 if the last unit is the follower's, else 0.
struct RecordHeader: Equatable {
  enum Kind: UInt32 {
    /// A request as it was accepted.
    case request = 1
    /// What was not done of a request when its segment was to go.
    case moved = 2
  }

  static let size = 56
  /// Zeros behind the last record, which the next is written over: in a file that was used before, what follows them is old.
  static let endMarkSize = 8
  /// "HLRC" in the file.
  static let magic: UInt32 = 0x4352_4C48
  /// Bounds beyond which nothing is taken for a record.
  static let maxUnits = 1 << 26
  static let maxSequence: UInt64 = 1 << 62
  static let maxPayload = 1 << 31

  var kind: Kind
  var salt: UInt32
  var sequence: UInt64
  var arrival: UInt64
  /// Of the request as it was accepted.
  var unitCount: Int
  /// Whether the last of them is the follower's, see `SpoolRecord.followerUnit`.
  var hasFollower = false
  var payloadLength: Int
  var tableLength = 0
  var tableChecksum: UInt32 = 0
  var payloadChecksum: UInt32

  /// Bytes from the record's start to its payload, and to the next record.
  var payloadOffset: Int { Self.size + tableLength }
  var totalLength: Int { aligned(payloadOffset + payloadLength) }

  /// Writes the header to the first bytes of `bytes`.
  func encode(to bytes: UnsafeMutableRawBufferPointer) {
    bytes.store(Self.magic, at: 0)
    bytes.store(salt, at: 4)
    bytes.store(sequence, at: 8)
    bytes.store(arrival, at: 16)
    bytes.store(kind.rawValue, at: 24)
    bytes.store(UInt32(unitCount), at: 28)
    bytes.store(UInt32(payloadLength), at: 32)
    bytes.store(UInt32(tableLength), at: 36)
    bytes.store(tableChecksum, at: 40)
    bytes.store(payloadChecksum, at: 44)
    bytes.store(UInt32(hasFollower ? 1 : 0), at: 48)
    bytes.store(Checksum.crc32(UnsafeRawBufferPointer(bytes).part(from: 0, count: 52)), at: 52)
  }

  /// Nil unless a sound header stands at the beginning of `bytes`.
  ///
  /// `salt`: the segment's; nil when that is not known.
  init?(_ bytes: UnsafeRawBufferPointer, salt: UInt32?) {
    guard bytes.count >= Self.size, bytes.number(at: 0) == Self.magic else { return nil }
    self.salt = bytes.number(at: 4)
    guard salt == nil || self.salt == salt else { return nil }
    guard Checksum.crc32(bytes.part(from: 0, count: 52)) == bytes.number(at: 52) else { return nil }
    guard let kind = Kind(rawValue: bytes.number(at: 24)) else { return nil }
    self.kind = kind
    sequence = bytes.number(at: 8)
    arrival = bytes.number(at: 16)
    unitCount = Int(bytes.number(at: 28, as: UInt32.self))
    payloadLength = Int(bytes.number(at: 32, as: UInt32.self))
    tableLength = Int(bytes.number(at: 36, as: UInt32.self))
    tableChecksum = bytes.number(at: 40)
    payloadChecksum = bytes.number(at: 44)
    hasFollower = bytes.number(at: 48, as: UInt32.self) == 1 && unitCount > 0
    guard unitCount <= Self.maxUnits, payloadLength <= Self.maxPayload, sequence < Self.maxSequence,
      tableLength % UnitTable.entrySize == 0, tableLength <= unitCount * UnitTable.entrySize,
      kind == .moved || tableLength == 0
    else { return nil }
  }

  init(
    kind: Kind, salt: UInt32, sequence: UInt64, arrival: UInt64, unitCount: Int, payloadLength: Int,
    payloadChecksum: UInt32
  ) {
    self.kind = kind
    self.salt = salt
    self.sequence = sequence
    self.arrival = arrival
    self.unitCount = unitCount
    self.payloadLength = payloadLength
    self.payloadChecksum = payloadChecksum
  }
}
