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
    return name == "headers" || name == "response_headers" || isKeyed && name == "key"
      || words.contains { name.hasSuffix($0) }
  }

  /// A URL without the password, or the token in place of a user and a password, that stands before its host; the scheme
  /// may be missing where there is a password. Any other text as it is.
  static func withoutPassword(_ text: String) -> String {
    let scheme = text.firstRange(of: "://")
    let authority = text[(scheme?.upperBound ?? text.startIndex)...].prefix { !"/?#".contains($0) && !$0.isWhitespace }
    guard let at = authority.lastIndex(of: "@") else { return text }
    if let colon = authority[..<at].firstIndex(of: ":") { return text[...colon] + mask + text[at...] }
    return scheme == nil ? text : text[..<authority.startIndex] + mask + text[at...]
  }
}
