import Configuration

/// `type` or `type/name`.
struct ComponentID: Hashable, Sendable, CustomStringConvertible {
  let type: String
  let name: String

  var description: String { name.isEmpty ? type : "\(type)/\(name)" }

  /// Nil when the text is no id.
  ///
  /// - Parameters:
  ///   - text: as it stands in the configuration.
  ///   - kind: what it is an id of; nil for what has no aliases.
  init?(_ text: String, of kind: ComponentCatalog.Kind? = nil) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
      .map { Self.trimmed($0) }
    guard let type = parts.first, !type.isEmpty, parts.count == 1 || !parts[1].isEmpty else { return nil }
    // A deprecated alias is the component itself.
    self.type = kind.flatMap { ComponentCatalog.aliases[$0]?[type] } ?? type
    name = parts.count > 1 ? parts[1] : ""
  }

  private static func trimmed(_ text: Substring) -> String {
    var text = text
    while text.first == " " { text.removeFirst() }
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}

/// Something defined in a configuration, and where.
struct Defined<Value> {
  let id: ComponentID
  let position: Position
  let value: Value
}
