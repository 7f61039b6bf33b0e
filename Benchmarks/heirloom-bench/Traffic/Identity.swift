import Glibc

/// The end user of a trace. Its three texts have the same length for everybody, so that they can be written in place.
struct Identity: Equatable {
  let user: UInt32
  let session: UInt64

  /// The three attributes that make an identity, in the order in which a root carries them.
  enum Part: Int, CaseIterable {
    case id
    case metadata
    case session

    var key: StaticString {
      switch self {
      case .id: "neatlogs.end_user.id"
      case .metadata: "neatlogs.end_user.metadata"
      case .session: "neatlogs.session.id"
      }
    }

    /// The text with zeros for what differs from one user to the next.
    var pattern: StaticString {
      switch self {
      case .id: "user-00000000@example.com"
      case .metadata: #"{"name":"User 00000000","plan":"0000","region":"000000000"}"#
      case .session: "session-0000000000000000"
      }
    }
  }

  /// Writes what differs into a text that holds the part's pattern.
  @inline(__always)
  func write(_ part: Part, to text: UnsafeMutableRawPointer) {
    switch part {
    case .id:
      writeDecimal(user, to: text + 5)
    case .metadata:
      writeDecimal(user, to: text + 14)
      copy(Self.plans, index: user / 4, width: 4, to: text + 32)
      copy(Self.regions, index: user, width: 9, to: text + 48)
    case .session:
      writeHexadecimal(session, to: text + 8)
    }
  }

  private static let plans: StaticString = "freeteamplustest"
  private static let regions: StaticString = "eu-west-1us-east-1ap-east-1sa-east-1"

  /// Copies one of four words of equal width.
  @inline(__always)
  private func copy(_ words: StaticString, index: UInt32, width: Int, to text: UnsafeMutableRawPointer) {
    text.copyMemory(from: words.utf8Start + Int(index % 4) * width, byteCount: width)
  }

  @inline(__always)
  private func writeDecimal(_ number: UInt32, to text: UnsafeMutableRawPointer) {
    var rest = number
    for position in stride(from: 7, through: 0, by: -1) {
      text.storeBytes(of: UInt8(ascii: "0") + UInt8(rest % 10), toByteOffset: position, as: UInt8.self)
      rest /= 10
    }
  }

  @inline(__always)
  private func writeHexadecimal(_ number: UInt64, to text: UnsafeMutableRawPointer) {
    var rest = number
    for position in stride(from: 15, through: 0, by: -1) {
      let digit = UInt8(rest & 15)
      let letter = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
      text.storeBytes(of: letter, toByteOffset: position, as: UInt8.self)
      rest >>= 4
    }
  }
}
