/// Puts what `${…}` refers to in its place, throughout a tree.
///
/// The rules are the OpenTelemetry Collector's: keys are left alone, quotes make no difference, what was put in is
/// searched for `${…}` too, and `$$` is a `$`. A value that is one substitution and nothing else has the type of
/// the text that it stands for.
struct Substitution {
  /// Substitutions inside what substitutions brought, or inside one another.
  private static let maximumNesting = 16

  let environment: ConfigEnvironment
  let diagnostics: Diagnostics
  var budget: Budget

  /// The tree with everything substituted; what cannot be is reported and left empty.
  mutating func expand(_ node: ConfigNode) -> ConfigNode {
    expand(node, depth: 0, nesting: 0)
  }

  private mutating func expand(_ node: ConfigNode, depth: Int, nesting: Int) -> ConfigNode {
    var node = node
    switch node.content {
    case .scalar(let scalar):
      // Once the budget is spent, which was reported, every further value would only report it again.
      guard scalar.text.utf8.contains(UInt8(ascii: "$")), !budget.isExhausted else { return node }
      do {
        return try expand(scalar.text, at: node.position, depth: depth, nesting: nesting)
      } catch {
        diagnostics.report(error)
        return .null(at: node.position)
      }
    case .sequence(var elements):
      for index in elements.indices {
        elements[index] = expand(elements[index], depth: depth + 1, nesting: nesting)
      }
      node.content = .sequence(elements)
    case .mapping(var entries):
      for index in entries.indices {
        entries[index].value = expand(entries[index].value, depth: depth + 1, nesting: nesting)
      }
      node.content = .mapping(entries)
    }
    return node
  }

  /// The value of a scalar that has a `$` in it.
  private mutating func expand(
    _ text: String, at position: Position, depth: Int, nesting: Int
  ) throws(Diagnostic) -> ConfigNode {
    let template = Template(text)
    guard let reference = template.onlyReference else {
      let result = try self.text(of: template.whole, in: template, at: position, nesting: nesting)
      return ConfigNode(.scalar(Scalar(result, isQuoted: true)), at: position)
    }
    let found = try lookUp(reference, in: template, at: position, nesting: nesting)
    return try value(of: found, at: position, depth: depth, nesting: nesting + 1)
  }

  /// What a text stands for that is a value of its own.
  private mutating func value(
    of found: ConfigSource.Text, at position: Position, depth: Int, nesting: Int
  ) throws(Diagnostic) -> ConfigNode {
    let text = found.text
    if text.isEmpty { return ConfigNode(.scalar(Scalar("", isQuoted: false)), at: position, substituted: "") }
    // Passwords and certificates need not be YAML: what is none is text.
    let parsed = try? ConfigNode.parse(
      Array(text.utf8), origin: found.file.map { .document(displayedPath($0)) } ?? .inline(position), budget: &budget,
      maximumDepth: max(0, Budget.maximumDepth - depth))
    try budget.charge(Budget.Weight(), at: position)
    var isPlain = false
    switch parsed?.content {
    case .scalar(let scalar):
      if case .string = scalar.value {
        isPlain = !scalar.isQuoted && scalar.text == text
        break
      }
      return ConfigNode(.scalar(scalar), at: position, substituted: text)
    case .sequence, .mapping:
      let tree = parsed.map { expand($0, depth: depth, nesting: nesting) }
      return ConfigNode(tree?.content ?? .sequence([]), at: position, substituted: text)
    case nil: break
    }
    guard text.utf8.contains(UInt8(ascii: "$")) else {
      return ConfigNode(.scalar(Scalar(text, isQuoted: !isPlain)), at: position)
    }
    return try expand(text, at: position, depth: depth, nesting: nesting)
  }

  /// A stretch of a template with all references in it replaced.
  private mutating func text(
    of range: Range<Int>, in template: Template, at position: Position, nesting: Int
  ) throws(Diagnostic) -> String {
    try budget.charge(Budget.Weight(bytes: range.count), at: position)
    var result: [UInt8] = []
    var index = range.lowerBound
    while index < range.upperBound {
      if let reference = template.reference(at: index) {
        let found = try lookUp(reference, in: template, at: position, nesting: nesting).text
        if found.utf8.contains(UInt8(ascii: "$")) {
          let inner = Template(found)
          result += try text(of: inner.whole, in: inner, at: position, nesting: nesting + 1).utf8
        } else {
          result += found.utf8
        }
        index = reference.upperBound
      } else {
        result.append(template.bytes[index])
        index += template.isEscape(at: index) ? 2 : 1
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// What the reference between `${` and `}` stands for.
  private mutating func lookUp(
    _ reference: Range<Int>, in template: Template, at position: Position, nesting: Int
  ) throws(Diagnostic) -> ConfigSource.Text {
    guard nesting < Self.maximumNesting else {
      throw Diagnostic(
        .error, at: position, "substitutions nest deeper than \(Self.maximumNesting) levels: one may contain itself")
    }
    try budget.chargeLookup(at: position)
    let inner = reference.lowerBound + 2..<reference.upperBound - 1
    let source = try ConfigSource(
      reference: text(of: inner, in: template, at: position, nesting: nesting + 1), at: position)
    if case .variable(let name, default: nil) = source, environment.variable(name) == nil {
      diagnostics.warning(at: position, "the environment variable \(name) is not set: its value is empty")
    }
    let found = try source.read(environment, at: position)
    try budget.charge(Budget.Weight(bytes: found.text.utf8.count), at: position)
    return found
  }
}

/// A text with `${…}` in it, taken apart but not yet evaluated.
private struct Template {
  let bytes: [UInt8]
  /// Where each closed `${…}` ends, by where it starts. One that is never closed is plain text.
  private var ends: [Int: Int] = [:]

  init(_ text: String) {
    bytes = Array(text.utf8)
    var open: [Int] = []
    var index = 0
    while index < bytes.count {
      if isEscape(at: index) {
        index += 1
      } else if isPair("$", "{", at: index) {
        open.append(index)
      } else if bytes[index] == UInt8(ascii: "}"), let start = open.popLast() {
        ends[start] = index + 1
      }
      index += 1
    }
  }

  var whole: Range<Int> { 0..<bytes.count }

  /// The reference that is the whole of the text.
  var onlyReference: Range<Int>? { ends[0] == bytes.count ? whole : nil }

  /// A reference that starts at an index.
  func reference(at index: Int) -> Range<Int>? { ends[index].map { index..<$0 } }

  /// The first of two `$` that mean one.
  func isEscape(at index: Int) -> Bool { isPair("$", "$", at: index) }

  private func isPair(_ first: Unicode.Scalar, _ second: Unicode.Scalar, at index: Int) -> Bool {
    bytes[index] == UInt8(ascii: first) && index + 1 < bytes.count && bytes[index + 1] == UInt8(ascii: second)
  }
}
