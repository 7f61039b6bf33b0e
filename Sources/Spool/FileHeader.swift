import Compression

/// The beginning of each file of a spool or journal. All format versions have it: what follows it may change.
///
///     0  magic          24 boot id (16)        56 salt
///     4  version        40 SpoolClock          60 checksum of all before
///     8  number         48 wall clock
///     16 base sequence
struct FileHeader: Equatable {
  enum Kind: UInt32 {
    /// "HLSP", "HLDN" and "HLJL" in the file.
    case segment = 0x5053_4C48
    case done = 0x4E44_4C48
    case journal = 0x4C4A_4C48
  }

  /// What the first bytes of a file are.
  enum Reading: Equatable {
    case header(FileHeader)
    /// Written by a Heirloom of another time, which knows what to do with it.
    case otherVersion(UInt32)
    /// Damaged, or torn off.
    case damaged
    /// Nothing that Heirloom has written.
    case foreign
  }

  static let size = 64
  static let version: UInt32 = 1

  var kind: Kind
  var number: UInt64
  /// The sequence number of the next record when the file was begun.
  var baseSequence: UInt64
  /// The clocks when the file was begun.
  var time: SpoolTime.Reading
  /// A random number in all of the file's records: what somebody put into a request can't be taken for a record.
  var salt: UInt32

  func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.size)
    bytes.append(number: kind.rawValue)
    bytes.append(number: Self.version)
    bytes.append(number: number)
    bytes.append(number: baseSequence)
    bytes.append(number: time.bootID.high)
    bytes.append(number: time.bootID.low)
    bytes.append(number: time.now)
    bytes.append(number: time.wall)
    bytes.append(number: salt)
    bytes.append(number: bytes.checksum())
    return bytes
  }

  static func read(_ bytes: UnsafeRawBufferPointer, _ kind: Kind) -> Reading {
    guard bytes.count >= size else { return .damaged }
    guard bytes.number(at: 0) == kind.rawValue else { return .foreign }
    guard Checksum.crc32(bytes.part(from: 0, count: 60)) == bytes.number(at: 60) else { return .damaged }
    let version = bytes.number(at: 4, as: UInt32.self)
    guard version == Self.version else { return .otherVersion(version) }
    return .header(
      FileHeader(
        kind: kind, number: bytes.number(at: 8), baseSequence: bytes.number(at: 16),
        time: SpoolTime.Reading(
          bootID: SpoolBootID(high: bytes.number(at: 24), low: bytes.number(at: 32)), now: bytes.number(at: 40),
          wall: bytes.number(at: 48)),
        salt: bytes.number(at: 56)))
  }
}

extension SpoolError {
  static func otherVersion(_ version: UInt32, _ path: String) -> SpoolError {
    .system(
      "\(path) has format version \(version), and this Heirloom knows only \(FileHeader.version): "
        + "start the Heirloom that wrote it, or move the file away")
  }
}
