import JSON
import OTLP

/// Makes one JSON object of a span's metadata, in whatever encoding it came: an object's text, a list of keys and values, an
/// attribute for each key with the value in JSON or as it is.
struct MetadataReader {
  typealias Bytes = UnsafeRawBufferPointer

  /// An attribute that is a member of the metadata: its key there, its value, and how that is written.
  struct Member {
    let key: Bytes
    let value: Bytes
    let type: AttributeEntry.ValueType
    let encoding: FactConventions.MetadataEncoding
  }

  /// Attributes for one key at most that one span's metadata is made of.
  private static let mostMembers = 256

  private let document = JSONDocument()
  private let memberDocument = JSONDocument()
  /// The object that was seen last: spans of a trace mostly bring the same.
  private var lastObject: [UInt8] = []
  private var text = JSONText()
  private let maxBytes: Int

  init(maxBytes: Int) {
    self.maxBytes = maxBytes
  }

  /// The metadata that an attribute and members are together, where both have a key as the attribute says; none where it is
  /// no object, or longer than it may be.
  mutating func read(_ object: (type: AttributeEntry.ValueType, value: Bytes)?, _ members: [Member]) -> Metadata {
    if let object, object.type == .string, members.isEmpty {
      return isObject(object.value) ? .asItCame(object.value.trimmed) : .none
    }
    text.clear()
    text.beginObject()
    let begun = text.bytes.count
    let known = object.map { write($0.type, $0.value, needsKeys: !members.isEmpty) } ?? []
    for (position, member) in members.prefix(Self.mostMembers).enumerated() {
      let isRepeated = members[..<position].contains {
        $0.key.count == member.key.count && $0.key.elementsEqual(member.key)
      }
      if !isRepeated, known.isEmpty || !known.contains(Array(member.key)) { write(member) }
    }
    guard text.bytes.count > begun else { return .none }
    text.endObject()
    return text.bytes.count <= maxBytes ? .written : .none
  }

  enum Metadata {
    case none
    /// The attribute's own text.
    case asItCame(Bytes)
    /// In `written`.
    case written
  }

  /// The object that was made last.
  var written: [UInt8] { text.bytes }

  /// Whether text is a JSON object, and short enough.
  mutating func isObject(_ value: Bytes) -> Bool {
    guard !value.isEmpty, value.count <= maxBytes else { return false }
    if lastObject.withUnsafeBytes({ value.isSame(as: $0) }) { return true }
    guard let root = try? document.parse(value), root.kind == .object else { return false }
    lastObject.removeAll(keepingCapacity: true)
    lastObject.append(contentsOf: value)
    return true
  }

  /// Writes an object's members. Returns their keys, if they are needed.
  private mutating func write(_ type: AttributeEntry.ValueType, _ value: Bytes, needsKeys: Bool) -> Set<[UInt8]> {
    var keys: Set<[UInt8]> = []
    if type == .kvlist {
      AttributeJSON.forEachPair(ofList: value) { key, type, value in
        text.key(key)
        AttributeJSON.write(type, value, to: &text)
        if needsKeys { keys.insert(Array(key)) }
      }
    } else if type == .string, value.count <= maxBytes, let root = try? document.parse(value) {
      for (key, member) in root.members {
        text.key(key)
        text.value(member)
        if needsKeys { keys.insert(Array(key)) }
      }
    }
    return keys
  }

  private mutating func write(_ member: Member) {
    text.key(member.key)
    if member.encoding == .json, member.type == .string, let value = try? memberDocument.parse(member.value) {
      text.value(value)
    } else {
      AttributeJSON.write(member.type, member.value, to: &text)
    }
  }
}
