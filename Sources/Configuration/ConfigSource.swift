/// Where a piece of configuration comes from: `scheme:rest`, on the command line and between `${` and `}`.
enum ConfigSource {
  case variable(String, default: String?)
  case file(String)
  case yaml(String)

  /// A text that was found, and the file that it is from.
  struct Text {
    let text: String
    let file: String?
  }

  /// What `--config` names: a path, or `scheme:rest`.
  init(argument: String) throws(Diagnostic) {
    if let (scheme, rest) = Self.split(argument) {
      try self.init(scheme: scheme, rest: rest, at: Position(source: "--config \(displayed(argument))"))
    } else {
      self = .file(argument)
    }
  }

  /// What stands between `${` and `}`: a variable's name, or `scheme:rest`.
  init(reference: String, at position: Position) throws(Diagnostic) {
    let (scheme, rest) = Self.split(reference) ?? ("env", reference)
    if rest.hasPrefix("-"), Self.isVariableName(scheme) {
      self = .variable(scheme, default: String(rest.dropFirst()))
    } else {
      try self.init(scheme: scheme, rest: rest, at: position)
    }
  }

  private init(scheme: String, rest: String, at position: Position) throws(Diagnostic) {
    switch scheme {
    case "env":
      let (name, fallback) = Self.splitDefault(rest)
      guard Self.isVariableName(name) else {
        throw Diagnostic(
          .error, at: position,
          "\(quoted(name)) is no name of an environment variable (write $$ for a $ that is only a $)")
      }
      self = .variable(name, default: fallback)
    case "file": self = .file(rest)
    case "yaml": self = .yaml(rest)
    default:
      throw Diagnostic(.error, at: position, "unknown scheme \(quoted(scheme)): there are env, file and yaml")
    }
  }

  /// The text found there; an empty one for a variable that is not set and has no default.
  func read(_ environment: ConfigEnvironment, at position: Position) throws(Diagnostic) -> Text {
    switch self {
    case .variable(let name, let fallback):
      return Text(text: environment.variable(name) ?? fallback ?? "", file: nil)
    case .yaml(let text):
      return Text(text: text, file: nil)
    case .file(let path):
      guard var text = String(validating: try content(ofFile: path, environment, at: position), as: UTF8.self) else {
        throw Diagnostic(.error, at: position, "the file \(displayedPath(path)) is not UTF-8 text")
      }
      // The line's end that editors add is no part of a token or a password.
      if let last = text.last, last == "\n" || last == "\r\n" { text.removeLast() }
      return Text(text: text, file: path)
    }
  }

  /// A whole document, for `--config`.
  func readDocument(_ environment: ConfigEnvironment) throws(Diagnostic) -> (bytes: [UInt8], source: String) {
    switch self {
    case .file(let path):
      return (try content(ofFile: path, environment, at: Position(source: displayedPath(path))), displayedPath(path))
    case .yaml(let text):
      return (Array(text.utf8), "yaml")
    case .variable(let name, let fallback):
      let source = "env:\(name)"
      guard let text = environment.variable(name) ?? fallback else {
        throw Diagnostic(.error, at: Position(source: source), "this environment variable is not set")
      }
      return (Array(text.utf8), source)
    }
  }

  private func content(
    ofFile path: String, _ environment: ConfigEnvironment, at position: Position
  ) throws(Diagnostic) -> [UInt8] {
    do {
      return try environment.file(path)
    } catch {
      throw Diagnostic(.error, at: position, "cannot read the file \(displayedPath(path)): \(error.reason)")
    }
  }

  /// Scheme and rest: a scheme has at least two characters, so that a drive's letter is none.
  private static func split(_ text: String) -> (scheme: String, rest: String)? {
    guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { return nil }
    let scheme = text[..<colon]
    guard scheme.utf8.count >= 2, let first = scheme.utf8.first, isLetter(first),
      scheme.utf8.allSatisfy({ isLetter($0) || isDigit($0) || "+.-_".utf8.contains($0) })
    else { return nil }
    return (String(scheme), String(text[text.index(after: colon)...]))
  }

  private static func splitDefault(_ text: String) -> (name: String, default: String?) {
    let bytes = Array(text.utf8)
    guard let start = bytes.indices.first(where: { bytes[$0...].starts(with: ":-".utf8) }) else { return (text, nil) }
    return (String(decoding: bytes[..<start], as: UTF8.self), String(decoding: bytes[(start + 2)...], as: UTF8.self))
  }

  private static func isVariableName(_ text: String) -> Bool {
    guard let first = text.utf8.first, !isDigit(first) else { return false }
    return text.utf8.allSatisfy { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "_") }
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
