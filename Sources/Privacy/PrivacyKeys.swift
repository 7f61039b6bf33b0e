import EndUser
import Facts
import Glibc

/// What attributes are by their keys, as far as privacy asks.
final class PrivacyKeys {
  struct Meaning {
    enum Metadata {
      case none
      /// The value is the metadata: an object, or its text.
      case object
      /// The value is that of one of its keys, which stands behind a prefix.
      case member
    }

    /// The value is an end user's id.
    var namesUser = false
    var metadata = Metadata.none
    /// Bytes before a member's own key.
    var prefixLength = 0
    /// Whether a member's value is the text of a JSON value.
    var isJSON = false
    var isMasked = false
  }

  /// Keys that can mean the end user, beside those by which a trace's is found: mirrors, and spellings of other tools.
  private static let moreUserKeys = [
    "user_id", "userId", "user.id", "end_user_id", "enduser_id", "langfuse_user_id", "langwatch.user_id",
    "gen_ai.user.id", "gen_ai.request.user", "llm.user", "distinct_id", "mlflow.trace.user", "mlflow.user",
  ]
  /// What stands before a key that was taken over from elsewhere.
  private static let carriers = ["neatlogs.", "baggage."]
  /// Members of metadata that mean the end user.
  private static let userMembers = [
    "user_id", "userId", "userID", "user.id", "end_user_id", "endUserId", "enduser.id", "enduser_id",
    "langfuse_user_id",
  ]
  /// The last is what Heirloom itself tells of sessions.
  private static let moreMetadata = ["langfuse.metadata", "langfuse.observation.metadata", "enduser.metadata"]
  private static let moreMetadataPrefixes = [
    "langfuse.metadata.", "langfuse.observation.metadata.", "langfuse_metadata_", "braintrust.metadata.", "metadata.",
  ]
  /// Places for what was asked for before, how many of them are looked at for one key, and bytes of a key that is kept.
  private static let slotCount = 4096
  private static let mostSteps = 8
  private static let longestKnown = 256

  private struct Slot {
    let key: [UInt8]
    let meaning: Meaning

    @inline(__always)
    func isFor(_ other: UnsafeRawBufferPointer) -> Bool {
      key.count == other.count && key.withUnsafeBytes { $0.equals(other) }
    }
  }

  /// Cheap: of the length, and of the first and the last bytes. Keys of one kind differ in these.
  private static func hash(of key: UnsafeRawBufferPointer) -> Int {
    guard key.count >= 8 else { return key.reduce(key.count) { ($0 &* 31 &+ Int($1)) & 0xffff_ffff } }
    let first = key.loadUnaligned(as: UInt64.self)
    let last = key.loadUnaligned(fromByteOffset: key.count - 8, as: UInt64.self)
    let mixed = (first ^ last.byteSwapped &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(key.count)) &* 0xBF58_476D_1CE4_E5B9
    return Int(truncatingIfNeeded: mixed >> 40)
  }

  private let userKeys: Set<String>
  private let metadataKeys: Set<String>
  private let prefixes: [(text: String, isJSON: Bool)]
  private let maskedKeys: Set<String>
  private let maskedPrefixes: [String]
  private let members = Set(userMembers.map { Array($0.utf8) })
  /// What was asked for before: keys are few, and asked for with each attribute.
  private var slots = [Slot?](repeating: nil, count: slotCount)

  init(_ policy: PrivacyPolicy) {
    userKeys = Set(
      Conventions.names(of: .endUserID) + Conventions.resourceKeys + Self.moreUserKeys + policy.userKeys)
    metadataKeys = Set(
      Conventions.names(of: .endUserMetadata) + MetadataConventions.objects + Self.moreMetadata + policy.metadataKeys)
    prefixes =
      MetadataConventions.prefixes.map { ($0.prefix, $0.isJSON) }
      + Self.moreMetadataPrefixes.map { ($0, $0.hasPrefix("langfuse.")) }
    let masked = policy.masking?.attributes ?? []
    maskedKeys = Set(masked.filter { !$0.hasSuffix("*") })
    maskedPrefixes = masked.filter { $0.hasSuffix("*") }.map { String($0.dropLast()) }
  }

  func meaning(of key: UnsafeRawBufferPointer) -> Meaning {
    let start = Self.hash(of: key)
    for step in 0..<Self.mostSteps {
      let place = (start + step) % Self.slotCount
      guard let slot = slots[place] else {
        let meaning = find(String(decoding: key, as: UTF8.self))
        if key.count <= Self.longestKnown { slots[place] = Slot(key: Array(key), meaning: meaning) }
        return meaning
      }
      if slot.isFor(key) { return slot.meaning }
    }
    return find(String(decoding: key, as: UTF8.self))
  }

  /// Whether a member of metadata is an end user's id.
  func isUser(member key: UnsafeRawBufferPointer) -> Bool { key.count <= 20 && members.contains(Array(key)) }

  private func find(_ key: String) -> Meaning {
    var meaning = Meaning()
    meaning.isMasked = maskedKeys.contains(key) || maskedPrefixes.contains { key.hasPrefix($0) }
    var name = key[...]
    while let carrier = Self.carriers.first(where: { name.hasPrefix($0) }), !isKnown(String(name)) {
      name = name.dropFirst(carrier.count)
    }
    meaning.namesUser = userKeys.contains(String(name))
    if metadataKeys.contains(String(name)) {
      meaning.metadata = .object
    } else if let prefix = prefixes.first(where: { name.hasPrefix($0.text) && name.utf8.count > $0.text.utf8.count }) {
      meaning.metadata = .member
      meaning.prefixLength = key.utf8.count - name.utf8.count + prefix.text.utf8.count
      meaning.isJSON = prefix.isJSON
      let member = String(name.dropFirst(prefix.text.count))
      if members.contains(Array(member.utf8)) { meaning.namesUser = true }
    }
    return meaning
  }

  private func isKnown(_ key: String) -> Bool { userKeys.contains(key) || metadataKeys.contains(key) }
}

extension UnsafeRawBufferPointer {
  /// Whether the bytes are the same; there are as many.
  @inline(__always)
  fileprivate func equals(_ other: UnsafeRawBufferPointer) -> Bool {
    guard let one = baseAddress, let other = other.baseAddress else { return true }
    return memcmp(one, other, count) == 0
  }
}
