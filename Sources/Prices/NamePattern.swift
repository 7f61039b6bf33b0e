/// A condition on the name of a model or a provider, which is in lowercase.
indirect enum NamePattern: Sendable {
  case equals([UInt8])
  case startsWith([UInt8])
  case endsWith([UInt8])
  case contains([UInt8])
  case expression(RegularExpression)
  case any([NamePattern])
  case all([NamePattern])
  case not(NamePattern)

  func matches(_ name: [UInt8]) -> Bool {
    switch self {
    case .equals(let text): name == text
    case .startsWith(let text): name.starts(with: text)
    case .endsWith(let text): name.count >= text.count && name.suffix(text.count) == text[...]
    case .contains(let text): Self.find(text, in: name)
    case .expression(let expression): expression.matches(name)
    case .any(let patterns): patterns.contains { $0.matches(name) }
    case .all(let patterns): patterns.allSatisfy { $0.matches(name) }
    case .not(let pattern): !pattern.matches(name)
    }
  }

  private static func find(_ text: [UInt8], in name: [UInt8]) -> Bool {
    guard let first = text.first else { return true }
    guard name.count >= text.count else { return false }
    return (0...(name.count - text.count)).contains { start in
      name[start] == first && name[start..<(start + text.count)] == text[...]
    }
  }
}
