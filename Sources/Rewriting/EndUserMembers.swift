import JSON

/// The end user's metadata as members of a JSON object, each value as JSON text without white space.
struct EndUserMembers {
  struct Member {
    let key: [UInt8]
    let json: [UInt8]
    /// As an attribute's value; a text where an attribute has nothing better. Nil for null.
    let value: AttributeField.Value?
  }

  private(set) var members: [Member] = []

  /// Nothing when the text is no JSON object. Of members of one key, the first counts.
  init(_ text: String?, _ document: JSONDocument) {
    guard var text else { return }
    text.withUTF8 { utf8 in
      guard let value = try? document.parse(UnsafeRawBufferPointer(utf8)), value.kind == .object else { return }
      var known: Set<[UInt8]> = []
      for (key, value) in value.members where known.insert(Array(key)).inserted {
        var json = JSONText()
        json.value(value)
        members.append(Member(key: Array(key), json: json.bytes, value: Self.attribute(value, json.bytes)))
      }
    }
  }

  /// Adds a text, in the place of a member of that key.
  mutating func set(_ key: String, _ text: String) {
    let key = Array(key.utf8)
    var json = JSONText()
    json.string(text)
    members.removeAll { $0.key == key }
    members.append(Member(key: key, json: json.bytes, value: .text(Array(text.utf8))))
  }

  mutating func remove(_ keys: Set<String>) {
    members.removeAll { keys.contains(String(decoding: $0.key, as: UTF8.self)) }
  }

  private static func attribute(_ value: JSONValue, _ json: [UInt8]) -> AttributeField.Value? {
    switch value.kind {
    case .null: nil
    case .bool: .bool(value.bool ?? false)
    case .number: value.int.map { .int($0) } ?? .double(value.double ?? 0)
    case .string: .text(value.text.map { Array($0) } ?? [])
    case .array, .object: .text(json)
    }
  }

  /// The JSON text of an object with all members.
  var object: [UInt8] {
    var text = JSONText()
    text.beginObject()
    for member in members { text.append(member) }
    text.endObject()
    return text.bytes
  }

  /// The members of another object with these in the place of its own of the same keys. Nil when they are there already;
  /// `object` when the other is none.
  func merged(into other: UnsafeRawBufferPointer, _ document: JSONDocument) -> [UInt8]? {
    guard let value = try? document.parse(other), value.kind == .object else { return object }
    // Both may have thousands.
    var missing = Dictionary(uniqueKeysWithValues: members.indices.map { (members[$0].key, $0) })
    var written: Set<[UInt8]> = []
    var text = JSONText()
    var isChanged = false
    text.beginObject()
    for (key, value) in value.members {
      let key = Array(key)
      if let place = missing.removeValue(forKey: key) {
        written.insert(key)
        var own = JSONText()
        own.value(value)
        isChanged = isChanged || own.bytes != members[place].json
        text.append(members[place])
      } else if written.contains(key) {
        // One of a key that stands twice is enough.
        isChanged = true
      } else {
        key.withUnsafeBytes { text.key($0) }
        text.value(value)
      }
    }
    for member in members where missing[member.key] != nil { text.append(member) }
    text.endObject()
    return isChanged || !missing.isEmpty ? text.bytes : nil
  }
}

extension JSONText {
  fileprivate mutating func append(_ member: EndUserMembers.Member) {
    member.key.withUnsafeBytes { key($0) }
    raw(member.json)
  }
}
