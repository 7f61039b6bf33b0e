/// Which values must not be shown, by the keys that lead to them.
enum Secrets {
  /// What stands in place of a secret.
  static let mask = "[REDACTED]"

  /// Keys with these names or endings, in any letter case, `-` and `_` being the same.
  private static let words = [
    "authorization", "api_key", "token", "password", "secret", "passphrase", "key_pem", "bearer_token",
  ]

  /// The value that these keys lead to is secret, or within one that is.
  static func hides(_ keys: [String]) -> Bool {
    var isKeyed = false
    for key in keys {
      if hides(key, underPseudonymize: isKeyed) { return true }
      isKeyed = isKeyed || key.lowercased() == "pseudonymize"
    }
    return false
  }

  private static func hides(_ key: String, underPseudonymize isKeyed: Bool) -> Bool {
    let name = String(key.lowercased().map { $0 == "-" ? "_" : $0 })
    return name == "headers" || isKeyed && name == "key" || words.contains { name.hasSuffix($0) }
  }

  /// A URL with the password left out that it may carry before its host; any other text as it is.
  static func withoutPassword(_ text: String) -> String {
    guard let scheme = text.firstRange(of: "://") else { return text }
    let authority = text[scheme.upperBound...].prefix { !"/?#".contains($0) }
    guard let at = authority.lastIndex(of: "@"), let colon = authority[..<at].firstIndex(of: ":") else { return text }
    return text[...colon] + mask + text[at...]
  }
}
