/// Reads one mapping of a configuration, and knows afterwards which of its keys nobody asked for.
///
/// A reading method returns the default (or nil) for a key that is absent or has no value. What is there but wrong
/// is reported and then treated the same, so that one pass finds every problem. Asking for a key makes it known;
/// `finish()` reports the unknown ones.
package final class ConfigSection {
  /// The keys that lead here; `[0]` for an element of a list.
  private let keys: [String]
  /// Where the section begins: its key, or the first thing in it.
  package let position: Position
  package let diagnostics: Diagnostics

  /// The mapping's keys and values in order. Reading it makes none of them known.
  private let contents: [ConfigNode.Entry]
  private let places: [String: Int]
  private var known: Set<String> = []
  private var subsections: [[String]: ConfigSection] = [:]
  /// Subsections in the order in which they were asked for.
  private var order: [ConfigSection] = []
  private var isFinished = false

  /// The section over a whole configuration.
  package convenience init(_ root: ConfigNode, diagnostics: Diagnostics) {
    self.init(root, keys: [], at: root.position, diagnostics: diagnostics)
  }

  /// A null is an empty section; anything else that is no mapping is reported and then empty too.
  private init(_ node: ConfigNode, keys: [String], at position: Position, diagnostics: Diagnostics) {
    self.keys = keys
    self.position = position
    self.diagnostics = diagnostics
    let entries: [ConfigNode.Entry]? = if case .mapping(let entries) = node.content { entries } else { nil }
    contents = entries ?? []
    places = Dictionary(uniqueKeysWithValues: contents.enumerated().map { ($1.key, $0) })
    if entries == nil, !node.isNull {
      reportMismatch(ExpectedValue("a mapping"), node: node, keys: keys)
    }
  }

  /// The way here: `receivers.otlp.protocols`, empty for the whole configuration.
  package var path: String { Self.path(keys) }

  /// Every key with its value and positions, in order: for components, whose names are the operator's choice.
  /// All keys count as known.
  package var entries: [ConfigNode.Entry] {
    known.formUnion(places.keys)
    return contents
  }

  /// The key is there, perhaps without a value.
  package func has(_ key: String) -> Bool { node(key) != nil }

  /// The key is there and has no value.
  package func isNull(_ key: String) -> Bool { node(key)?.isNull ?? false }

  /// The value of a key as it stands.
  package func node(_ key: String) -> ConfigNode? {
    known.insert(key)
    return places[key].map { contents[$0].value }
  }

  /// Where the value of a key stands; the section's own place if there is no such key.
  package func position(of key: String) -> Position {
    guard let place = places[key] else { return position }
    let entry = contents[place]
    return entry.value.isNull ? entry.keyPosition : entry.value.position
  }

  /// The section under a key; nil if there is no such key. A key without a value has an empty section.
  ///
  /// Asking again gives the same section.
  package func section(_ key: String) -> ConfigSection? {
    if let section = subsections[[key]] { return section }
    guard let node = node(key), let place = places[key] else { return nil }
    return adopt(node, named: [key], at: contents[place].keyPosition)
  }

  /// The sections of a list of mappings; nil if there is no such key.
  package func sections(_ key: String) -> [ConfigSection]? {
    read(key) { node throws(ExpectedValue) in
      guard case .sequence(let elements) = node.content else { throw ExpectedValue("a list of mappings") }
      return elements.enumerated().map { index, element in
        let names = [key, "[\(index)]"]
        return subsections[names] ?? adopt(element, named: names, at: element.position)
      }
    }
  }

  private func adopt(_ node: ConfigNode, named names: [String], at position: Position) -> ConfigSection {
    let section = ConfigSection(node, keys: keys + names, at: position, diagnostics: diagnostics)
    subsections[names] = section
    order.append(section)
    return section
  }

  /// Reports that a key must have a value, if it has none.
  package func require(_ key: String) {
    guard node(key)?.isNull ?? true else { return }
    diagnostics.error(at: position(of: key), "\(pathed(key)) is required")
  }

  /// Takes keys that the OpenTelemetry Collector has here and Heirloom has not: a warning for each that is used.
  package func knownButUnsupported(_ names: [String]) {
    for name in names where has(name) {
      guard let place = places[name] else { continue }
      diagnostics.warning(at: contents[place].keyPosition, "\(pathed(name)) is not supported yet and has no effect")
    }
  }

  /// Reports every key that nobody asked for, here and in all subsections that were read. Once is enough, also for
  /// subsections: call it on the section over the whole configuration when everything has been read.
  package func finish() {
    guard !isFinished else { return }
    isFinished = true
    for entry in contents where !known.contains(entry.key) {
      var message = "unknown key \(quoted(entry.key))"
      if !keys.isEmpty { message += " in \(Self.shown(keys))" }
      if let meant = nearest(to: entry.key, among: known) { message += " (did you mean \"\(meant)\"?)" }
      diagnostics.error(at: entry.keyPosition, message)
    }
    for section in order { section.finish() }
  }

  /// Reports something wrong with the value of a key that its type does not show.
  package func error(_ key: String, _ message: String) {
    diagnostics.error(at: position(of: key), "\(pathed(key)): \(message)")
  }

  /// Reports something doubtful about the value of a key.
  package func warning(_ key: String, _ message: String) {
    diagnostics.warning(at: position(of: key), "\(pathed(key)): \(message)")
  }

  /// Converts the value of a key that has one; a mismatch is reported.
  func read<Value>(_ key: String, _ convert: (ConfigNode) throws(ExpectedValue) -> Value) -> Value? {
    guard let node = node(key), !node.isNull || node.substituted != nil else { return nil }
    return read(node, named: [key], convert)
  }

  /// The same for a value that is part of a key's value.
  func read<Value>(
    _ node: ConfigNode, named names: [String], _ convert: (ConfigNode) throws(ExpectedValue) -> Value
  ) -> Value? {
    do throws(ExpectedValue) {
      return try convert(node)
    } catch {
      // An empty variable is an empty text and, for every other type, no value.
      if !node.isNull { reportMismatch(error, node: node, keys: keys + names) }
      return nil
    }
  }

  private func reportMismatch(_ expected: ExpectedValue, node: ConfigNode, keys: [String]) {
    let found = node.found(hidden: Secrets.hides(keys))
    let prefix = keys.isEmpty ? "" : Self.shown(keys) + ": "
    let hint = expected.hint.map { " (\($0))" } ?? ""
    diagnostics.error(at: node.position, "\(prefix)expected \(expected.description), found \(found)\(hint)")
  }

  private func pathed(_ key: String) -> String { Self.shown(keys + [key]) }

  private static func shown(_ keys: [String]) -> String { displayed(path(keys), limit: 1000) }

  private static func path(_ keys: [String]) -> String {
    keys.reduce("") { path, key in path.isEmpty || key.hasPrefix("[") ? path + key : "\(path).\(key)" }
  }
}

/// What should have stood in place of a value.
struct ExpectedValue: Error {
  let description: String
  /// What the author may do about it.
  let hint: String?

  init(_ description: String, hint: String? = nil) {
    self.description = description
    self.hint = hint
  }
}
