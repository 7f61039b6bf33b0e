import JSON

/// Finds its way to the values of metadata that go.
struct MetadataPaths {
  /// What is left of each path, from where the value stands.
  private var rests: [ArraySlice<UInt8>]

  init(_ redaction: Redaction?) {
    rests = redaction?.paths.map { $0[...] } ?? []
  }

  private init(rests: [ArraySlice<UInt8>]) {
    self.rests = rests
  }

  var isEmpty: Bool { rests.isEmpty }

  enum Verdict {
    /// The value goes.
    case redacted
    /// What of it goes is within it, if anything.
    case within(MetadataPaths)
  }

  /// What becomes of the value of a key. Dots in a key are no different from steps.
  func verdict(on key: UnsafeRawBufferPointer) -> Verdict {
    if rests.isEmpty { return .within(self) }
    var within: [ArraySlice<UInt8>] = []
    for rest in rests {
      if rest.elementsEqual([UInt8(ascii: "*")]) || key.elementsEqual(rest) { return .redacted }
      if key.count > rest.count, key[rest.count] == UInt8(ascii: "."), key.starts(with: rest) { return .redacted }
      if rest.count > key.count, rest[rest.startIndex + key.count] == UInt8(ascii: "."), rest.starts(with: key) {
        within.append(rest.dropFirst(key.count + 1))
      }
    }
    return .within(MetadataPaths(rests: within))
  }
}

/// Rewrites metadata that came as the text of a JSON value.
final class MetadataText {
  typealias Bytes = UnsafeRawBufferPointer

  private let keys: PrivacyKeys
  private let action: Redaction.Action
  private let pseudonyms: Pseudonyms?
  private let document = JSONDocument()
  private let inner = JSONDocument()
  private var text = JSONText()
  private var hasChanged = false

  init(_ policy: PrivacyPolicy, _ keys: PrivacyKeys) {
    self.keys = keys
    action = policy.redaction?.action ?? .drop
    pseudonyms = policy.pseudonyms
  }

  enum Outcome {
    case unchanged
    case rewritten([UInt8])
    /// It is no JSON, so nobody knows what is in it.
    case unreadable
  }

  /// A text without what the paths lead to, and with pseudonyms where a member names a user.
  func rewritten(_ value: Bytes, _ paths: MetadataPaths) -> Outcome {
    guard let root = try? document.parse(value) else { return .unreadable }
    guard root.kind == .object || root.kind == .array else { return .unchanged }
    text.clear()
    hasChanged = false
    write(root, paths)
    return hasChanged ? .rewritten(text.bytes) : .unchanged
  }

  /// Lends the ids that members name, as text.
  func forEachUser(in value: Bytes, _ body: (Bytes) -> Void) {
    guard Self.isContainer(value), let root = try? document.parse(value) else { return }
    forEachUser(in: root, body)
  }

  /// The id in the text of a JSON string or number; nil when it is none.
  func scalar(_ value: Bytes) -> [UInt8]? {
    guard let root = try? inner.parse(value) else { return nil }
    return Self.id(root)
  }

  /// Whether a text looks like an object or an array.
  static func isContainer(_ value: Bytes) -> Bool {
    let first = value.first { !ASCII.isSpace($0) }
    return first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
  }

  private func write(_ value: JSONValue, _ paths: MetadataPaths) {
    switch value.kind {
    case .object:
      text.beginObject()
      for (key, member) in value.members { write(member, of: key, paths) }
      text.endObject()
    case .array:
      text.beginArray()
      for element in value.elements { write(element, paths) }
      text.endArray()
    default: text.value(value)
    }
  }

  private func write(_ value: JSONValue, of key: Bytes, _ paths: MetadataPaths) {
    switch paths.verdict(on: key) {
    case .redacted:
      hasChanged = true
      guard action == .mask else { return }
      text.key(key)
      text.string(Redaction.mark)
    case .within(let rest):
      text.key(key)
      guard let pseudonyms, keys.isUser(member: key), let id = Self.id(value) else { return write(value, rest) }
      hasChanged = true
      id.withUnsafeBytes { id in pseudonyms.pseudonym(of: id).withUnsafeBytes { text.string($0) } }
    }
  }

  private func forEachUser(in value: JSONValue, _ body: (Bytes) -> Void) {
    for (key, member) in value.members {
      if keys.isUser(member: key), let id = Self.id(member) {
        id.withUnsafeBytes(body)
      } else {
        forEachUser(in: member, body)
      }
    }
    for element in value.elements { forEachUser(in: element, body) }
  }

  /// A string's text, or an integer's digits; nil for everything else, and for an empty string.
  private static func id(_ value: JSONValue) -> [UInt8]? {
    if let text = value.text { return text.isEmpty ? nil : Array(text) }
    if let int = value.int { return Array(String(int).utf8) }
    return value.uint.map { Array(String($0).utf8) }
  }
}
