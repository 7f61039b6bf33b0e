/// From the command line's arguments to one tree.
package enum ConfigLoader {
  /// As many `--config` as the OpenTelemetry Collector takes.
  private static let maximumSources = 100

  /// Reads, merges and substitutes a configuration. What is wrong is reported.
  ///
  /// Sources are merged in their order, then the settings: mappings key by key, anything else replaces what was
  /// there. Substitution comes last, so that an overridden `${env:X}` is never looked up.
  /// - Parameters:
  ///   - sources: what `--config` was given: a path, `file:path`, `env:NAME` or `yaml:text`.
  ///   - settings: what `--set` was given: `a.b.c=value`, or `a::b::c=value` for keys with dots in them.
  ///   - environment: the variables and files that sources and substitutions see.
  ///   - diagnostics: takes every problem found.
  /// - Returns: what was read without problems, always a mapping.
  package static func load(
    _ sources: [String], settings: [String] = [], environment: ConfigEnvironment = .process, diagnostics: Diagnostics
  ) -> ConfigNode {
    var budget = Budget()
    var tree = ConfigNode(.mapping([]), at: Position(source: "configuration"))
    if sources.count > maximumSources {
      diagnostics.error(at: Position(source: "--config"), "given more than \(maximumSources) times")
    }
    for argument in sources.prefix(maximumSources) {
      do throws(Diagnostic) {
        tree = tree.merged(with: try document(argument, environment, &budget))
      } catch {
        diagnostics.report(error)
      }
    }
    for argument in settings {
      do throws(Diagnostic) {
        tree = tree.merged(with: try setting(argument, &budget))
      } catch {
        diagnostics.report(error)
      }
    }
    var substitution = Substitution(environment: environment, diagnostics: diagnostics, budget: budget)
    return substitution.expand(tree)
  }

  private static func document(
    _ argument: String, _ environment: ConfigEnvironment, _ budget: inout Budget
  ) throws(Diagnostic) -> ConfigNode {
    let (bytes, source) = try ConfigSource(argument: argument).readDocument(environment)
    let root = try ConfigNode.parse(
      bytes, origin: .document(source), budget: &budget, maximumDepth: Budget.maximumDepth)
    if root.isNull { return ConfigNode(.mapping([]), at: root.position) }
    guard case .mapping(let entries) = root.content else {
      throw Diagnostic(.error, at: root.position, "a configuration is a mapping, this is \(root.found(hidden: false))")
    }
    // As in the OpenTelemetry Collector, `a::b: 1` at the top is short for `a: {b: 1}`.
    guard entries.contains(where: { hasSeparator(in: $0.key) }) else { return root }
    var result = ConfigNode(.mapping([]), at: root.position)
    for entry in entries {
      let keys = entry.key.split(separator: "::", omittingEmptySubsequences: false).map(String.init)
      result = result.merged(with: try nest(entry.value, under: keys, at: entry.keyPosition))
    }
    return result
  }

  private static func setting(_ argument: String, _ budget: inout Budget) throws(Diagnostic) -> ConfigNode {
    guard let equals = argument.firstIndex(of: "=") else {
      throw Diagnostic(.error, at: Position(source: "--set \(displayed(argument))"), "write key=value")
    }
    let path = String(argument[..<equals])
    let position = Position(source: "--set \(displayed(path))")
    let value = try ConfigNode.parse(
      Array(argument[argument.index(after: equals)...].utf8), origin: .inline(position), budget: &budget,
      maximumDepth: Budget.maximumDepth)
    let keys = path.split(separator: hasSeparator(in: path) ? "::" : ".", omittingEmptySubsequences: false)
    return try nest(value, under: keys.map(String.init), at: position)
  }

  private static func hasSeparator(in path: String) -> Bool {
    zip(path.utf8, path.utf8.dropFirst()).contains { $0 == UInt8(ascii: ":") && $1 == UInt8(ascii: ":") }
  }

  /// `{a: {b: value}}` from the keys `a` and `b`.
  private static func nest(
    _ value: ConfigNode, under keys: [String], at position: Position
  ) throws(Diagnostic) -> ConfigNode {
    guard keys.count <= Budget.maximumDepth else {
      throw Diagnostic(.error, at: position, "more than \(Budget.maximumDepth) keys inside one another")
    }
    guard !keys.contains("") else { throw Diagnostic(.error, at: position, "an empty key") }
    return keys.reversed().reduce(value) { value, key in
      ConfigNode(.mapping([ConfigNode.Entry(key: key, keyPosition: position, value: value)]), at: position)
    }
  }
}

extension ConfigNode {
  /// This tree with another laid over it: mappings merge key by key, anything else is replaced.
  func merged(with other: ConfigNode) -> ConfigNode {
    guard case .mapping(var entries) = content, case .mapping(let more) = other.content else { return other }
    var places: [String: Int] = [:]
    for (index, entry) in entries.enumerated() { places[entry.key] = index }
    for entry in more {
      guard let place = places[entry.key] else {
        places[entry.key] = entries.count
        entries.append(entry)
        continue
      }
      if case .mapping = entries[place].value.content, case .mapping = entry.value.content {
        entries[place].value = entries[place].value.merged(with: entry.value)
      } else {
        entries[place] = entry
      }
    }
    return ConfigNode(.mapping(entries), at: entries.count == more.count ? other.position : position)
  }
}
