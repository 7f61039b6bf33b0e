package import OTLP

/// The configured keys, by the numbers under which an index records them.
package final class IdentityPlan: @unchecked Sendable {
  // Sendable: nothing changes after init.

  /// What one key is to the identity. A rank is the key's place in a role's order, `noRank` where it has not that role.
  package struct Traits: Sendable {
    package var idRank = noRank
    package var metadataRank = noRank
    package var sessionRank = noRank
    package var resourceRank = noRank
    var inherits = false
    var onlyEndUser = false
    package var rootOnly = false
    var unlessNeatlogs = false

    /// Whether a span may mean an identity by the key.
    @inline(__always)
    package func count(asRoot: Bool, _ marks: SpanMarks) -> Bool {
      (asRoot || !rootOnly) && (!unlessNeatlogs || !marks.contains(.neatlogs))
    }
  }

  package static let noRank = Int32.max

  /// By key number, in raw memory: looked up for every recorded attribute.
  private let table: UnsafeMutableBufferPointer<Traits>
  private let inheritedPrefixes: [[UInt8]]
  let rules: SpanRules
  /// Bytes that are handed down at most.
  let maxBytes: Int
  /// Headers that may speak, and under which key what they say is handed down.
  let headers: [(name: String, key: String, role: Identity.Role)]

  /// Registers the configuration's keys and marks with the rules.
  package init(_ configuration: EndUserConfiguration, rules: SpanRules) {
    self.rules = rules
    maxBytes = configuration.maxIdentityBytes
    func header(_ name: String?, _ usual: String, _ keys: [String], _ role: Identity.Role) -> [(
      String, String, Identity.Role
    )] {
      guard let name, let first = keys.first else { return [] }
      return [(name, keys.contains(usual) ? usual : first, role)]
    }
    headers =
      header(configuration.fromHeaders.endUser, "enduser.id", configuration.idKeys, .endUserID)
      + header(configuration.fromHeaders.session, "session.id", configuration.sessionKeys, .session)
    var traits: [UInt16: Traits] = [:]
    func add(
      _ names: [String], _ role: Conventions.Role, rank: WritableKeyPath<Traits, Int32>
    ) {
      for (position, name) in names.enumerated() {
        let key = Conventions.key(name, role)
        var known = traits[rules.number(forKey: name)] ?? Traits()
        guard known[keyPath: rank] == Self.noRank else { continue }
        known[keyPath: rank] = Int32(position)
        known.onlyEndUser = known.onlyEndUser || key.onlyEndUser
        known.rootOnly = known.rootOnly || key.rootOnly
        known.unlessNeatlogs = known.unlessNeatlogs || key.unlessNeatlogs
        traits[rules.number(forKey: name)] = known
      }
    }
    add(configuration.idKeys, .endUserID, rank: \.idRank)
    add(configuration.metadataKeys, .endUserMetadata, rank: \.metadataRank)
    add(configuration.sessionKeys, .session, rank: \.sessionRank)
    for (position, name) in Conventions.resourceKeys.enumerated() {
      traits[rules.number(forKey: name), default: Traits()].resourceRank = Int32(position)
    }
    var prefixes: [[UInt8]] = []
    for pattern in configuration.inherit {
      if pattern.hasSuffix("*") {
        let prefix = String(pattern.dropLast())
        prefixes.append(Array(prefix.utf8))
        _ = rules.number(forPrefix: prefix)
      } else {
        traits[rules.number(forKey: pattern), default: Traits()].inherits = true
      }
    }
    Self.registerMarks(with: rules)

    inheritedPrefixes = prefixes
    let last = traits.keys.max().map(Int.init) ?? -1
    table = .allocate(capacity: last + 1)
    for number in 0..<last + 1 { table.initializeElement(at: number, to: traits[UInt16(number)] ?? Traits()) }
  }

  deinit {
    table.deallocate()
  }

  /// Registers the marks by which spans are told apart.
  package static func registerMarks(with rules: SpanRules) {
    rules.mark(.neatlogs, whereKeyHasPrefix: Conventions.neatlogsKeyPrefix)
    rules.mark(.neatlogs, whereScopeHasPrefix: Conventions.neatlogsScopePrefix)
    rules.mark(.completionMarker, whereNameIs: Conventions.completionMarkerName)
    rules.mark(.applicationRoot, whereTrue: Conventions.applicationRootKey)
  }

  @inline(__always)
  package func traits(of attribute: AttributeEntry) -> Traits {
    // Another processor may have registered keys after this one: they mean nothing here.
    Int(attribute.key) < table.count ? table[Int(attribute.key)] : Traits()
  }

  /// Whether the root hands this attribute down beside its identity. What names an end user or a session is not for a
  /// prefix to hand down, nor a second end user for anything.
  func inherits(_ attribute: AttributeEntry, key: UnsafeRawBufferPointer) -> Bool {
    let traits = traits(of: attribute)
    if traits.onlyEndUser { return false }
    if traits.inherits { return true }
    guard traits.idRank == Self.noRank, traits.metadataRank == Self.noRank, traits.sessionRank == Self.noRank else {
      return false
    }
    return inheritedPrefixes.contains { key.starts(with: $0) }
  }

  /// Whether an attribute can be an identity: a string that says something, or an int, and not too long to be handed down.
  package func isUsable(_ attribute: AttributeEntry) -> Bool {
    switch attribute.type {
    case .string: attribute.valueLength > 0 && Int(attribute.fieldLength) <= maxBytes
    case .int: true
    default: false
    }
  }

  /// Whether an attribute can be an identity's metadata: a map, too.
  func isUsableMetadata(_ attribute: AttributeEntry) -> Bool {
    attribute.type == .kvlist ? Int(attribute.fieldLength) <= maxBytes : isUsable(attribute)
  }
}
