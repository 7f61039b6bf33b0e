/// Which values must not be shown, by the keys that lead to them.
enum Secrets {
  /// What stands in place of a secret.
  static let mask = "[REDACTED]"

  /// Keys with these names or endings, in any letter case, `-` and `_` being the same.
  private static let words = [
    "authorization", "api_key", "token", "password", "secret", "passphrase", "key_pem", "bearer_token",
  ]

  /// Keys that are secret within others.
  private static let inner = [
    "pseudonymize": "key", "keys": "key", "htpasswd": "inline", "bearertokenauth": "tokens",
  ]

  /// The value that these keys lead to is secret, or within one that is.
  static func hides(_ keys: [String]) -> Bool {
    var innerSecrets: Set<String> = []
    for key in keys {
      let name = String(key.lowercased().map { $0 == "-" ? "_" : $0 })
      if name == "headers" || name == "response_headers" || innerSecrets.contains(name)
        || words.contains(where: { name.hasSuffix($0) })
      {
        return true
      }
      // A component may have a name behind its type.
      if let secret = inner[String(name.prefix { $0 != "/" })] { innerSecrets.insert(secret) }
    }
    return false
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
