import Glibc
import HTTPServer

/// Who may ask.
struct Access: Sendable {
  private let host: String
  private let token: [UInt8]?

  init(_ configuration: Console.Configuration) {
    host = configuration.host.lowercased()
    token = configuration.token.map { Array($0.utf8) }
  }

  enum Verdict {
    case granted
    /// The token is missing or another.
    case tokenNeeded
    /// The request was made for another host's name.
    case strangeHost
  }

  func verdict(on head: HTTPRequestHead) -> Verdict {
    if let token {
      return head.header("Authorization").map { Self.names(token, $0.bytes) } ?? false ? .granted : .tokenNeeded
    }
    // Without a token, being on this machine is all that is asked for. A web page in a browser here is, too, and can have
    // its own name lead to this address: then that name stands in `Host`.
    guard let name = head.header("Host")?.string else { return .granted }
    return isOurs(Self.withoutPort(name).lowercased()) ? .granted : .strangeHost
  }

  /// Whether the value is the scheme and this token. Takes as long for any token of that length.
  private static func names(_ token: [UInt8], _ value: UnsafeRawBufferPointer) -> Bool {
    let scheme = value.prefix(7)
    guard scheme.count == 7, String(decoding: scheme, as: UTF8.self).lowercased() == "bearer " else { return false }
    let given = value.dropFirst(7).drop { $0 == UInt8(ascii: " ") }
    guard given.count == token.count else { return false }
    return zip(given, token).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
  }

  private static func withoutPort(_ host: String) -> String {
    if host.hasPrefix("[") { return String(host.dropFirst().prefix { $0 != "]" }) }
    return String(host.prefix { $0 != ":" })
  }

  private func isOurs(_ name: String) -> Bool {
    name == host || name == "localhost" || name.hasSuffix(".localhost") || IPAddress(name) != nil
  }
}

extension Console.Configuration {
  /// What is wrong with who may ask; nil when nothing is. For the one who wrote the configuration.
  package var objection: String? {
    if let token {
      if token.isEmpty { return "token: it is empty; leave the key out to need none on this machine" }
      if token.utf8.contains(where: { !(0x21...0x7E ~= $0) }) { return "token: only printable ASCII, without spaces" }
    } else if !Self.isLoopback(host) {
      let place = host.isEmpty ? "all addresses" : host
      return """
        endpoint: \(place) can be reached from other machines, and the ledger tells who your users are; set a token, or \
        listen on 127.0.0.1
        """
    }
    return nil
  }

  static func isLoopback(_ host: String) -> Bool {
    host.lowercased() == "localhost" || IPAddress(host)?.isLoopback ?? false
  }
}

/// An address in numbers, not a name.
struct IPAddress {
  let isLoopback: Bool

  init?(_ text: String) {
    var four = in_addr()
    var six = in6_addr()
    if inet_pton(AF_INET, text, &four) == 1 {
      isLoopback = UInt32(bigEndian: four.s_addr) >> 24 == 127
    } else if inet_pton(AF_INET6, text, &six) == 1 {
      isLoopback = withUnsafeBytes(of: six) { $0.dropLast().allSatisfy { $0 == 0 } && $0.last == 1 }
    } else {
      return nil
    }
  }
}
