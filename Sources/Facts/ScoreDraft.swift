import JSON
import OTLP

/// A score while the attributes that say it go by. Of several of one key the first counts.
struct ScoreDraft {
  typealias Bytes = UnsafeRawBufferPointer

  private var name = ""
  private var number: Double?
  private var isBoolean = false
  private var label: String?
  private var comment: String?
  private var metadata = JSONText()

  mutating func noteName(_ type: AttributeEntry.ValueType, _ value: Bytes) {
    guard name.isEmpty, type == .string, value.count <= Score.mostNameBytes else { return }
    name = String(decoding: value, as: UTF8.self)
  }

  mutating func noteValue(_ type: AttributeEntry.ValueType, _ value: Bytes) {
    guard number == nil else { return }
    switch type {
    case .int: number = Double(Int64(bitPattern: Varint.read(value)))
    case .bool: (number, isBoolean) = (Varint.read(value) != 0 ? 1 : 0, true)
    case .double where value.count == 8:
      let double = Double(bitPattern: UInt64(littleEndian: value.loadUnaligned(as: UInt64.self)))
      if double.isFinite { number = double }
    default: break
    }
  }

  mutating func noteLabel(_ type: AttributeEntry.ValueType, _ value: Bytes) { note(type, value, in: &label) }
  mutating func noteComment(_ type: AttributeEntry.ValueType, _ value: Bytes) { note(type, value, in: &comment) }

  private func note(_ type: AttributeEntry.ValueType, _ value: Bytes, in text: inout String?) {
    guard text == nil, type == .string, !value.isEmpty else { return }
    text = String(decoding: value.prefix(upToCharacterAt: Score.mostTextBytes), as: UTF8.self)
  }

  mutating func addMetadata(_ key: String, _ value: String) {
    guard metadata.bytes.count + key.utf8.count + value.utf8.count < Score.mostMetadataBytes else { return }
    beginMetadata()
    metadata.key(key)
    metadata.string(value)
  }

  /// Adds the members of a JSON object; text that is none is one member, `metadata`.
  mutating func addMetadata(json text: Bytes) {
    guard text.count <= Score.mostMetadataBytes - metadata.bytes.count else { return }
    let document = JSONDocument()
    guard let root = try? document.parse(text), root.kind == .object else {
      return addMetadata("metadata", String(decoding: text, as: UTF8.self))
    }
    beginMetadata()
    for (key, value) in root.members {
      metadata.key(key)
      metadata.value(value)
    }
  }

  private mutating func beginMetadata() {
    if metadata.bytes.isEmpty { metadata.beginObject() }
  }

  /// The score, with all that the attributes don't say: see `Score`, an empty session is none. Nil without a name, without a
  /// value, and where it is about nothing.
  func score(
    trace: TraceID?, span: UInt64?, session: String, source: Score.Source, identifier: String = "", time: UInt64
  ) -> Score? {
    let session = session.isEmpty ? nil : session
    guard !name.isEmpty, number != nil || label != nil, trace != nil || session != nil else { return nil }
    var metadata = metadata
    if !metadata.bytes.isEmpty { metadata.endObject() }
    let span = trace == nil ? nil : span
    return Score(
      id: Score.derivedID(
        name: name, trace: trace, span: span, session: session, source: source, identifier: identifier),
      name: name, number: number, label: label,
      dataType: number == nil ? .categorical : isBoolean ? .boolean : .numeric, trace: trace, span: span,
      session: session, comment: comment, source: source, timestamp: min(time, UInt64(Int64.max)),
      metadata: metadata.bytes.isEmpty ? nil : String(decoding: metadata.bytes, as: UTF8.self))
  }
}
