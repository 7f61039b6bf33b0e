import JSON
import OTLP

/// The identity of one trace as its spans tell it in the words of some conventions: whole `attributes` fields.
struct OutgoingIdentity {
  struct Field {
    let key: [UInt8]
    /// Its place in `suffix`.
    let range: Range<Int>
    /// What a span's own JSON object under that key gets; nil where its own value goes.
    let merged: EndUserMembers?
  }

  private(set) var fields: [Field] = []
  /// All fields behind one another.
  private(set) var suffix: [UInt8] = []
  /// What its resource says beside.
  private(set) var ofResource: (key: [UInt8], text: [UInt8])?
  private let tag: UInt8

  /// - Parameters:
  ///   - identity: of the trace.
  ///   - forms: of the conventions, in their order: what two of them have under one key is the first one's.
  ///   - maxMetadataKeys: attributes that the metadata becomes in each convention at most.
  ///   - signal: traces or logs.
  ///   - document: to read the metadata with.
  init(
    _ identity: any TraceIdentity, _ forms: [OutgoingConvention.Form], maxMetadataKeys: Int, signal: Signal,
    _ document: JSONDocument
  ) {
    tag = AttributeField.tag(of: signal)
    let metadata = identity.endUserMetadata
    let members = EndUserMembers(metadata, document)
    for form in forms {
      if let key = form.resourceEndUserID, let id = identity.endUserID {
        ofResource = (Array(key.utf8), Array(id.utf8))
      }
      if let key = form.endUserID, let id = identity.endUserID { add(key, .text(Array(id.utf8))) }
      if let session = identity.session { for key in form.sessions { add(key, .text(Array(session.utf8))) } }
    }
    for form in forms {
      var members = members
      members.remove(form.reserved)
      switch form.metadata {
      case .none: break
      case .text(let key): if let metadata { add(key, .text(Array(metadata.utf8))) }
      case .object(let key):
        if let member = form.idMember, let id = identity.endUserID { members.set(member, id) }
        if let member = form.sessionMember, let session = identity.session { members.set(member, session) }
        if !members.members.isEmpty { add(key, .text(members.object), merged: members) }
      case .attributes(let prefix, let asJSON):
        for member in members.members.lazy.filter({ $0.value != nil && !$0.key.isEmpty }).prefix(maxMetadataKeys) {
          guard let value = member.value else { continue }
          add(Array(prefix.utf8) + member.key, asJSON ? .text(member.json) : value)
        }
      }
    }
  }

  /// The bytes of a field.
  func bytes(of field: Field) -> ArraySlice<UInt8> { suffix[field.range] }

  /// A field of that key with another text.
  func field(_ key: [UInt8], _ text: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    AttributeField.append(tag, key: key, .text(text), to: &bytes)
    return bytes
  }

  private mutating func add(_ key: String, _ value: AttributeField.Value, merged: EndUserMembers? = nil) {
    add(Array(key.utf8), value, merged: merged)
  }

  private mutating func add(_ key: [UInt8], _ value: AttributeField.Value, merged: EndUserMembers? = nil) {
    guard !fields.contains(where: { $0.key == key }) else { return }
    let start = suffix.count
    AttributeField.append(tag, key: key, value, to: &suffix)
    fields.append(Field(key: key, range: start..<suffix.count, merged: merged))
  }
}
