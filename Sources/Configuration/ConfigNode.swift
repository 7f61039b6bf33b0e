/// One value of a configuration and where it was written.
package struct ConfigNode: Sendable {
  package enum Content: Sendable {
    case scalar(Scalar)
    case sequence([ConfigNode])
    /// In the order written; no key occurs twice.
    case mapping([Entry])
  }

  /// A key of a mapping with its value.
  package struct Entry: Sendable {
    package let key: String
    package let keyPosition: Position
    package var value: ConfigNode

    package init(key: String, keyPosition: Position, value: ConfigNode) {
      self.key = key
      self.keyPosition = keyPosition
      self.value = value
    }
  }

  package var content: Content
  package let position: Position
  /// What a substitution put in this value's place, letter for letter; nil for a value that was written out.
  ///
  /// An environment variable `0123` is a number to who asks for one and these four digits to who asks for text.
  package let substituted: String?

  package init(_ content: Content, at position: Position, substituted: String? = nil) {
    self.content = content
    self.position = position
    self.substituted = substituted
  }

  /// The empty value that `key:` has.
  package static func null(at position: Position) -> ConfigNode {
    ConfigNode(.scalar(Scalar("", isQuoted: false)), at: position)
  }

  package var isNull: Bool {
    if case .scalar(let scalar) = content { scalar.value == .null } else { false }
  }

  /// The value of a key of a mapping; nil if it has none or if this is no mapping. Linear in the number of keys.
  package subscript(key: String) -> ConfigNode? {
    guard case .mapping(let entries) = content else { return nil }
    return entries.first { $0.key == key }?.value
  }
}
