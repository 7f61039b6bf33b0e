package import EndUser
package import OTLP

/// What a `FactsExtractor` looks for.
///
/// Facts have rules of their own, by which an extractor reads spans again: asking the index for all these keys would make it
/// record several attributes of most spans, which the `enduser` processor keeps in memory and looks at for nothing.
package final class FactsPlan: @unchecked Sendable {
  // Sendable: nothing changes after init.

  /// What one key says.
  struct Meaning: Sendable {
    enum Role: UInt8, Sendable {
      case nothing, field, tags, metadataMember, annotation
    }

    var role = Role.nothing
    /// Whether it is a key of the `enduser` processor as well.
    var isIdentity = false
    var field = FactConventions.Field.kind
    /// The key's place in the order of its role.
    var rank: UInt16 = 0
    /// Of a member of metadata.
    var encoding = FactConventions.MetadataEncoding.plain
    /// Of a field: when its figure is the provider's own, which may leave out what was cached.
    var rawInput: FactConventions.RawInput?
    /// Bytes of the prefix before the own key of a member or an annotation.
    var prefixLength: UInt16 = 0
  }

  let identity: IdentityPlan
  let keys: SpanRules
  /// Whether scores are looked for.
  let readsScores: Bool
  /// Bytes of metadata of one span at most.
  let maxMetadataBytes: Int
  /// The numbers in records of the built-in keys, by key number.
  private let claimNumbers: [Int?]
  /// By key number, in raw memory: looked up for every attribute.
  private let table: UnsafeMutableBufferPointer<Meaning>

  /// - Parameters:
  ///   - endUser: of the `enduser` processor whose spans these are: who speaks for whom.
  ///   - rules: what receivers index by; the marks that spans are told apart by are registered there.
  ///   - readsScores: whether scores are looked for.
  package init(_ endUser: EndUserConfiguration, rules: SpanRules, readsScores: Bool = false) {
    self.readsScores = readsScores
    IdentityPlan.registerMarks(with: rules)
    let keys = SpanRules()
    self.keys = keys
    // What spans inherit is none of our business.
    var speaking = endUser
    speaking.inherit = []
    identity = IdentityPlan(speaking, rules: keys)
    maxMetadataBytes = endUser.maxIdentityBytes

    var meanings: [UInt16: Meaning] = [:]
    let identityKeys = endUser.idKeys + endUser.metadataKeys + endUser.sessionKeys
    for key in identityKeys { meanings[keys.number(forKey: key), default: Meaning()].isIdentity = true }
    for key in FactConventions.noMetadata { _ = keys.number(forKey: key) }
    func add(_ names: [String], _ role: Meaning.Role, _ field: FactConventions.Field = .kind) {
      for (rank, name) in names.enumerated() {
        meanings[keys.number(forKey: name), default: Meaning()].role = role
        meanings[keys.number(forKey: name), default: Meaning()].field = field
        meanings[keys.number(forKey: name), default: Meaning()].rank = UInt16(rank)
      }
    }
    for (field, names) in FactConventions.fields { add(names, .field, field) }
    for (key, raw) in FactConventions.rawInputs { meanings[keys.number(forKey: key)]?.rawInput = raw }
    add(FactConventions.tags, .tags)
    for (prefix, encoding) in FactConventions.metadataPrefixes {
      meanings[keys.number(forPrefix: prefix)] = Meaning(
        role: .metadataMember, encoding: encoding, prefixLength: UInt16(prefix.utf8.count))
    }
    for (list, prefix) in Annotations.prefixes.enumerated() where readsScores {
      meanings[keys.number(forPrefix: prefix)] = Meaning(
        role: .annotation, rank: UInt16(list), prefixLength: UInt16(prefix.utf8.count))
    }

    let claimKeys = ClaimKeys.names.map { Int(keys.number(forKey: $0)) }
    var numbers: [Int?] = Array(repeating: nil, count: keys.patterns.count)
    for (number, key) in claimKeys.enumerated() { numbers[key] = number }
    claimNumbers = numbers

    table = .allocate(capacity: keys.patterns.count)
    for number in 0..<table.count { table.initializeElement(at: number, to: meanings[UInt16(number)] ?? Meaning()) }
  }

  deinit {
    table.deallocate()
  }

  @inline(__always)
  func meaning(of attribute: AttributeEntry) -> Meaning { table[Int(attribute.key)] }

  /// The number that an attribute's key has in records; nil for one that is configured, and written out.
  func claimNumber(of attribute: AttributeEntry) -> Int? { claimNumbers[Int(attribute.key)] }
}
