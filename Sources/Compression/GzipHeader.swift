/// The header of a gzip member (RFC 1952).
enum GzipHeader {
  /// Whether a member starts here.
  static func isMagic(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.count >= 2 && bytes[0] == 0x1F && bytes[1] == 0x8B
  }

  /// Bytes of the header at the beginning of `bytes`; nil when there is none, or not all of it.
  static func length(in bytes: UnsafeRawBufferPointer) -> Int? {
    guard isMagic(bytes), bytes.count >= fixedLength, bytes[2] == deflate else { return nil }
    let flags = Flags(rawValue: bytes[3])
    guard flags.isSubset(of: .known) else { return nil }
    var length = fixedLength
    if flags.contains(.extra) {
      guard length + 2 <= bytes.count else { return nil }
      length += 2 + Int(bytes[length]) + Int(bytes[length + 1]) << 8
    }
    for field in [Flags.name, .comment] where flags.contains(field) {
      guard length <= bytes.count, let end = bytes[length...].firstIndex(of: 0) else { return nil }
      length = end + 1
    }
    if flags.contains(.headerChecksum) { length += 2 }
    return length <= bytes.count ? length : nil
  }

  private static let fixedLength = 10
  private static let deflate: UInt8 = 8

  private struct Flags: OptionSet {
    let rawValue: UInt8
    /// The sender takes the content for text, which nobody has to care about.
    static let text = Flags(rawValue: 0x01)
    static let headerChecksum = Flags(rawValue: 0x02)
    static let extra = Flags(rawValue: 0x04)
    static let name = Flags(rawValue: 0x08)
    static let comment = Flags(rawValue: 0x10)
    static let known: Flags = [.text, .headerChecksum, .extra, .name, .comment]
  }
}
