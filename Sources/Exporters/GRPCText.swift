/// How gRPC writes things into headers.
enum GRPCText {
  /// A duration for `grpc-timeout`: at most eight digits and a unit, rounded up.
  static func timeout(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    let milliseconds = attoseconds / 1_000_000_000_000_000
    if seconds < 99_999 {
      let rest = attoseconds % 1_000_000_000_000_000 > 0 ? 1 : 0
      return "\(seconds * 1000 + milliseconds + Int64(rest))m"
    }
    return seconds < 99_999_999 ? "\(seconds + (attoseconds > 0 ? 1 : 0))S" : "\(min(seconds / 3600 + 1, 99_999_999))H"
  }

  /// The text of a percent-encoded `grpc-message`. What is no encoding stays as it is.
  static func message(_ text: String) -> String {
    let bytes = Array(text.utf8)
    var decoded: [UInt8] = []
    var index = 0
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count, let high = hexDigit(bytes[index + 1]),
        let low = hexDigit(bytes[index + 2])
      {
        decoded.append(high << 4 | low)
        index += 3
      } else {
        decoded.append(bytes[index])
        index += 1
      }
    }
    return String(decoding: decoded, as: UTF8.self)
  }

  private static func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
