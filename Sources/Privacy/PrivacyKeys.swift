import EndUser
import Facts

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
  private static let moreMetadata = ["langfuse.metadata", "langfuse.observation.metadata"]
  private static let moreMetadataPrefixes = [
    "langfuse.metadata.", "langfuse.observation.metadata.", "langfuse_metadata_", "braintrust.metadata.", "metadata.",
  ]
  private static let mostKnown = 4096

  private struct Slot {
    let hash: Int
    let key: [UInt8]
    let meaning: Meaning
  }

  private let userKeys: Set<String>
  private let metadataKeys: Set<String>
  private let prefixes: [(text: String, isJSON: Bool)]
  private let maskedKeys: Set<String>
  private let maskedPrefixes: [String]
  private let members = Set(userMembers.map { Array($0.utf8) })
  /// What was asked for before: keys are few, and asked for with each attribute.
  private var slots = [Slot?](repeating: nil, count: 2 * mostKnown)
  private var knownCount = 0

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
    var hasher = Hasher()
    hasher.combine(bytes: key)
    let hash = hasher.finalize()
    var place = (hash & .max) % slots.count
    while let slot = slots[place] {
      if slot.hash == hash, slot.key.count == key.count, slot.key.elementsEqual(key) { return slot.meaning }
      place = (place + 1) % slots.count
    }
    let meaning = find(String(decoding: key, as: UTF8.self))
    guard knownCount < Self.mostKnown, key.count <= 256 else { return meaning }
    slots[place] = Slot(hash: hash, key: Array(key), meaning: meaning)
    knownCount += 1
    return meaning
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
