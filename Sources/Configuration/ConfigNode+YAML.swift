extension ConfigNode {
  /// The tree as YAML for people: secrets read `[REDACTED]`.
  package func maskedYAML() -> String { yaml(masked: true) }

  /// The tree as YAML. Reading it gives the same values; `$` is not escaped.
  package func yaml(masked: Bool = false) -> String {
    var printer = YAMLPrinter(isMasked: masked)
    printer.document(self)
    return printer.output
  }
}

/// Writes block style, with quotes only where text would read as something else.
private struct YAMLPrinter {
  let isMasked: Bool
  private(set) var output = ""
  /// The keys that lead to the value at hand.
  private var keys: [String] = []

  init(isMasked: Bool) {
    self.isMasked = isMasked
  }

  mutating func document(_ node: ConfigNode) {
    if let text = flow(node) {
      output += text + "\n"
    } else {
      block(node, indent: 0)
    }
  }

  /// The lines of a list or mapping that is not empty. The output stands at `indent` already.
  private mutating func block(_ node: ConfigNode, indent: Int) {
    let margin = String(repeating: " ", count: indent)
    switch node.content {
    case .scalar: break
    case .sequence(let elements):
      for (index, element) in elements.enumerated() {
        if index > 0 { output += margin }
        output += "-"
        if let text = flow(element) {
          output += " \(text)\n"
        } else {
          output += " "
          block(element, indent: indent + 2)
        }
      }
    case .mapping(let entries):
      for (index, entry) in entries.enumerated() {
        if index > 0 { output += margin }
        keys.append(entry.key)
        let key = Self.text(entry.key, isQuoted: true)
        // YAML finds a longer key only behind a question mark.
        output += key.utf8.count > 1000 ? "? \(key)\n\(margin):" : "\(key):"
        if let text = flow(entry.value) {
          output += " \(text)\n"
        } else {
          output += "\n\(margin)  "
          block(entry.value, indent: indent + 2)
        }
        keys.removeLast()
      }
    }
  }

  /// A value that fits in a line: a scalar or an empty collection.
  private func flow(_ node: ConfigNode) -> String? {
    switch node.content {
    case .sequence(let elements): return elements.isEmpty ? "[]" : nil
    case .mapping(let entries): return entries.isEmpty ? "{}" : nil
    case .scalar(let scalar):
      if node.isNull { return "null" }
      guard isMasked else { return Self.text(scalar.text, isQuoted: scalar.isQuoted) }
      if Secrets.hides(keys) { return Self.text(Secrets.mask, isQuoted: true) }
      return Self.text(Secrets.withoutPassword(scalar.text), isQuoted: scalar.isQuoted)
    }
  }

  private static func text(_ text: String, isQuoted: Bool) -> String {
    let scalar = Scalar(text, isQuoted: false)
    if case .string = scalar.value {
      return isPlain(text) && (!isQuoted || scalar.asBool == nil) ? text : doubleQuoted(text)
    }
    return isQuoted ? doubleQuoted(text) : text
  }

  /// Surely read back as the same text; not all that YAML would take.
  private static func isPlain(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    guard let first = bytes.first, let last = bytes.last, last != UInt8(ascii: " "), last != UInt8(ascii: ":"),
      isWord(first) || "/_$".utf8.contains(first)
    else { return false }
    return bytes.indices.allSatisfy { index in
      let byte = bytes[index]
      if byte == UInt8(ascii: ":") { return bytes[index + 1] != UInt8(ascii: " ") }
      return isWord(byte) || " /_.-@+=%$,()*~".utf8.contains(byte)
    }
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
      || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  private static func doubleQuoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x22: result += "\\\""
      case 0x5C: result += "\\\\"
      case 0x0A: result += "\\n"
      case 0x0D: result += "\\r"
      case 0x09: result += "\\t"
      // What YAML forbids, breaks lines at, or a terminal would obey.
      case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029, 0x202A...0x202E, 0x2066...0x2069, 0xFEFF, 0xFFFE, 0xFFFF:
        let digits = String(scalar.value, radix: 16, uppercase: true)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
