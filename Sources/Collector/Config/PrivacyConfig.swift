import Configuration
import EndUser
import Privacy

extension PrivacyPolicy {
  /// Reads `pseudonymize`, `redact` and `mask` of an exporter, or of the ledger.
  init(_ section: ConfigSection) {
    self.init()
    pseudonyms = section.section("pseudonymize").flatMap(Self.pseudonyms)
    redaction = section.has("redact") ? Self.redaction(section) : nil
    masking = section.section("mask").flatMap(Self.masking)
  }

  private static func pseudonyms(_ section: ConfigSection) -> Pseudonyms? {
    let shortest = section.int("min_length", default: Pseudonyms.usualMinLength, in: 1...1000)
    let key = section.string("key", default: "")
    guard !key.isEmpty else {
      section.error("key", "a key is required, and none is empty")
      return nil
    }
    guard key.utf8.count >= Pseudonyms.fewestKeyBytes else {
      section.error(
        "key", "has \(key.utf8.count) bytes, and needs \(Pseudonyms.fewestKeyBytes) at least: it could be guessed")
      return nil
    }
    return Pseudonyms(key: key, minLength: shortest)
  }

  /// A list of keys, or a section with that list and what becomes of their values.
  private static func redaction(_ section: ConfigSection) -> Redaction? {
    var keys: [String]?
    var action = Redaction.Action.drop
    if case .mapping = section.node("redact")?.content, let inner = section.section("redact") {
      keys = inner.strings("keys")
      action = inner.choice("action", of: Redaction.Action.self, default: action)
    } else {
      keys = section.strings("redact")
    }
    guard let keys, !keys.isEmpty, !keys.contains("") else {
      section.error("redact", "keys of metadata are required, and none is empty")
      return nil
    }
    return Redaction(keys: keys, action: action)
  }

  private static func masking(_ section: ConfigSection) -> Masking? {
    let attributes = section.strings("attributes") ?? []
    let includesBodies = section.bool("bodies", default: false)
    if attributes.isEmpty, !includesBodies {
      section.error("attributes", "attributes are required, or bodies: true")
    } else if attributes.contains("") {
      section.error("attributes", "no name is empty")
    }
    var patterns: [TextPattern] = []
    for name in section.locatedStrings("patterns") ?? [] {
      guard let known = TextPattern.Name(rawValue: name.value) else {
        let names = TextPattern.Name.allCases.map(\.rawValue).joined(separator: ", ")
        section.diagnostics.error(
          at: name.position, "\(section.path).patterns: expected some of \(names), found \"\(name.value)\"")
        continue
      }
      patterns.append(TextPattern(known))
    }
    patterns += expressions(section)
    if patterns.isEmpty, !section.has("patterns"), !section.has("expressions") {
      section.error("patterns", "patterns or expressions are required")
    }
    return Masking(attributes: attributes, includesBodies: includesBodies, patterns: patterns)
  }

  /// Only a list: an expression may have commas.
  private static func expressions(_ section: ConfigSection) -> [TextPattern] {
    guard let node = section.node("expressions") else { return [] }
    guard case .sequence = node.content, let expressions = section.locatedStrings("expressions") else {
      section.error("expressions", "expected a list of regular expressions")
      return []
    }
    return expressions.compactMap { expression in
      do throws(PatternError) {
        return try TextPattern(expression: expression.value)
      } catch {
        section.diagnostics.error(at: expression.position, "\(section.path).expressions: \(error)")
        return nil
      }
    }
  }
}

extension PrivacyPolicy {
  /// The same, for telemetry that was read with these keys.
  func knowing(_ endUsers: [EndUserConfiguration]) -> PrivacyPolicy {
    var policy = self
    policy.userKeys += endUsers.flatMap(\.idKeys)
    policy.metadataKeys += endUsers.flatMap(\.metadataKeys)
    return policy
  }
}

extension CollectorConfig {
  /// The `enduser` processors of all pipelines.
  var endUsersInUse: [EndUserConfiguration] {
    service.pipelines.compactMap { PipelineParts($0, of: self).endUser?.configuration }
  }
}
