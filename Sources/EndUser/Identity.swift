import OTLP

/// What a trace's spans inherit: whole `attributes` fields, ready to be appended to each of them.
///
/// Made once per trace. The fields' descriptions and bytes lie behind the object, in one allocation.
final class Identity: @unchecked Sendable {
  // Sendable: nothing changes after init.

  /// Where a trace's end user came from.
  enum Source: String, CaseIterable, Sendable {
    case root
    case localRoot = "local_root"
    case topmost
    case resource
    case header
    /// Nobody named an end user; a session or inherited attributes may be handed down all the same.
    case none
  }

  enum Role: UInt8 {
    case endUserID, metadata, session, inherited
  }

  /// One attribute that is handed down. Offsets count from the first byte of `suffix`.
  struct Field {
    var role: Role
    var fieldOffset: UInt32
    var fieldLength: UInt32
    var keyOffset: UInt32
    var keyLength: UInt32
    var valueOffset: UInt32
    var valueLength: UInt32
    var type: AttributeEntry.ValueType
  }

  let source: Source
  /// The span that speaks for the trace.
  let speaker: UInt64
  let fieldCount: Int
  private let storage: UnsafeMutableRawPointer
  private let suffixLength: Int

  init(source: Source, speaker: UInt64, parts: IdentityParts) {
    self.source = source
    self.speaker = speaker
    fieldCount = parts.fields.count
    suffixLength = parts.bytes.count
    let fieldBytes = fieldCount * MemoryLayout<Field>.stride
    storage = .allocate(byteCount: max(fieldBytes + suffixLength, 1), alignment: 8)
    parts.fields.withUnsafeBytes {
      if let base = $0.baseAddress { storage.copyMemory(from: base, byteCount: $0.count) }
    }
    parts.bytes.withUnsafeBytes {
      if let base = $0.baseAddress { (storage + fieldBytes).copyMemory(from: base, byteCount: $0.count) }
    }
  }

  deinit {
    storage.deallocate()
  }

  /// Bytes that the identity takes in memory, by and large.
  var byteCount: Int { suffixLength + fieldCount * MemoryLayout<Field>.stride + 96 }

  /// All fields behind one another.
  @inline(__always)
  var suffix: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: storage + fieldCount * MemoryLayout<Field>.stride, count: suffixLength)
  }

  var fields: UnsafeBufferPointer<Field> {
    UnsafeBufferPointer(start: storage.assumingMemoryBound(to: Field.self), count: fieldCount)
  }

  var hasEndUser: Bool { fields.contains { $0.role == .endUserID } }

  /// Whether both name the same end user.
  func hasSameEndUser(as other: Identity) -> Bool { text(of: .endUserID) == other.text(of: .endUserID) }

  /// All fields behind one another as they are in a log record, whose `attributes` have another number, and the same bytes but
  /// for that.
  var logSuffix: [UInt8] {
    var bytes = Array(suffix)
    for field in fields { bytes[Int(field.fieldOffset)] = Self.logAttributesTag }
    return bytes
  }

  /// `attributes` of a log record: field 6, length-delimited.
  private static let logAttributesTag: UInt8 = 0x32

  /// A root that speaks for its trace leaves as it came.
  func isUntouched(_ span: SpanView) -> Bool {
    span.spanID == speaker && (source == .root || source == .localRoot || (source == .none && span.isRoot))
  }

  func key(of field: Field) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: suffix[Int(field.keyOffset)..<Int(field.keyOffset + field.keyLength)])
  }

  /// The bytes of a field, of `suffix` or of the same in another form.
  @inline(__always)
  static func bytes(of field: Field, in suffix: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: suffix[Int(field.fieldOffset)..<Int(field.fieldOffset + field.fieldLength)])
  }

  /// The value of the first field of a role as text: a string's characters, an int's digits; nil without one.
  func text(of role: Role) -> String? {
    guard let field = fields.first(where: { $0.role == role }) else { return nil }
    let value = UnsafeRawBufferPointer(
      rebasing: suffix[Int(field.valueOffset)..<Int(field.valueOffset + field.valueLength)])
    return field.type == .int
      ? String(Int64(bitPattern: Varint.read(value))) : String(decoding: value, as: UTF8.self)
  }
}

extension Identity: TraceIdentity {
  var endUserID: String? { text(of: .endUserID) }
  var endUserMetadata: String? { text(of: .metadata) }
  var session: String? { text(of: .session) }
}

/// An identity under construction: fields gathered from spans and resources, up to a limit of bytes.
struct IdentityParts {
  /// Fields at most: as many as a span's own can be compared with at once.
  static let maxFields = 64
  private let limit: Int
  fileprivate(set) var fields: [Identity.Field] = []
  fileprivate(set) var bytes: [UInt8] = []

  init(limit: Int) {
    self.limit = limit
  }

  /// What an earlier run handed down, field behind field.
  init(fields: [Identity.Field], bytes: [UInt8]) {
    limit = bytes.count
    self.fields = fields
    self.bytes = bytes
  }

  /// Whether bytes are one whole `attributes` field of a span.
  static func isAttribute(_ field: ArraySlice<UInt8>) -> Bool {
    var rest = field
    func number() -> UInt64? {
      guard let size = rest.prefix(5).firstIndex(where: { $0 < 0x80 }).map({ $0 + 1 - rest.startIndex }) else {
        return nil
      }
      defer { rest = rest.dropFirst(size) }
      return rest.withUnsafeBytes(Varint.read)
    }
    return number() == UInt64(attributesTag) && number().map { $0 == rest.count } ?? false
  }

  /// What an identity hands down, or nothing.
  init(_ identity: Identity?, limit: Int) {
    self.limit = limit
    guard let identity else { return }
    fields = Array(identity.fields)
    bytes = Array(identity.suffix)
  }

  var isEmpty: Bool { fields.isEmpty }
  var hasEndUser: Bool { has(.endUserID) }

  func has(_ role: Identity.Role) -> Bool { fields.contains { $0.role == role } }

  /// Takes an attribute over, unless one of that key is there already.
  mutating func add(_ attribute: AttributeEntry, of span: SpanView, as role: Identity.Role) {
    let key = span.key(attribute)
    guard hasRoom(for: Int(attribute.fieldLength)), !hasKey(key) else { return }
    let shift = UInt32(bytes.count) &- attribute.fieldOffset
    bytes.append(contentsOf: span.field(attribute))
    fields.append(field(attribute, role, fieldOffset: attribute.fieldOffset &+ shift, shift: shift))
    fields[fields.count - 1].fieldLength = attribute.fieldLength
  }

  /// Takes an attribute of a resource over. Its field number differs from a span's, so tag and length are new.
  mutating func add(_ attribute: AttributeEntry, ofResource header: UnsafeRawBufferPointer, as role: Identity.Role) {
    guard hasRoom(for: Int(attribute.fieldLength) + 6) else { return }
    let start = Int(attribute.fieldOffset)
    let pair = header[start..<start + Int(attribute.fieldLength)]
    let before = bytes.count
    bytes.append(Self.attributesTag)
    Varint.append(pair.count, to: &bytes)
    let shift = UInt32(bytes.count) &- attribute.fieldOffset
    bytes.append(contentsOf: pair)
    fields.append(field(attribute, role, fieldOffset: UInt32(before), shift: shift))
    fields[fields.count - 1].fieldLength = UInt32(bytes.count - before)
  }

  /// Takes a text over under a key of its own.
  mutating func add(_ text: String, forKey key: String, as role: Identity.Role) {
    let (key, text) = (Array(key.utf8), Array(text.utf8))
    func lengthDelimited(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
      var bytes = [tag]
      Varint.append(content.count, to: &bytes)
      return bytes + content
    }
    let value = lengthDelimited(Self.valueTag, lengthDelimited(Self.textTag, text))
    let field = lengthDelimited(Self.attributesTag, lengthDelimited(Self.keyTag, key) + value)
    guard hasRoom(for: field.count), !hasKey(key) else { return }
    let start = UInt32(bytes.count)
    bytes += field
    let end = UInt32(bytes.count)
    fields.append(
      Identity.Field(
        role: role, fieldOffset: start, fieldLength: end - start,
        keyOffset: end - UInt32(value.count + key.count), keyLength: UInt32(key.count),
        valueOffset: end - UInt32(text.count), valueLength: UInt32(text.count), type: .string))
  }

  /// Takes over what others hand down in roles that nothing fills yet, and their inherited attributes.
  mutating func fill(from other: IdentityParts) {
    let missing = other.fields.filter { $0.role == .inherited || !has($0.role) }
    for field in missing
    where hasRoom(for: Int(field.fieldLength))
      && !hasKey(other.bytes[Int(field.keyOffset)..<Int(field.keyOffset + field.keyLength)])
    {
      let shift = UInt32(bytes.count) &- field.fieldOffset
      bytes.append(contentsOf: other.bytes[Int(field.fieldOffset)..<Int(field.fieldOffset + field.fieldLength)])
      var moved = field
      moved.fieldOffset &+= shift
      moved.keyOffset &+= shift
      moved.valueOffset &+= shift
      fields.append(moved)
    }
  }

  private func hasRoom(for count: Int) -> Bool { fields.count < Self.maxFields && bytes.count + count <= limit }

  /// `attributes` of a span: field 9, length-delimited.
  private static let attributesTag: UInt8 = 0x4a
  /// Key and value of a `KeyValue`, and the text of an `AnyValue`.
  private static let keyTag: UInt8 = 0x0a
  private static let valueTag: UInt8 = 0x12
  private static let textTag: UInt8 = 0x0a

  private func hasKey(_ key: some Collection<UInt8>) -> Bool {
    fields.contains { field in
      field.keyLength == key.count
        && bytes[Int(field.keyOffset)..<Int(field.keyOffset + field.keyLength)].elementsEqual(key)
    }
  }

  private func field(
    _ attribute: AttributeEntry, _ role: Identity.Role, fieldOffset: UInt32, shift: UInt32
  ) -> Identity.Field {
    Identity.Field(
      role: role, fieldOffset: fieldOffset, fieldLength: 0, keyOffset: attribute.keyOffset &+ shift,
      keyLength: attribute.keyLength, valueOffset: attribute.valueOffset &+ shift,
      valueLength: attribute.valueLength, type: attribute.type)
  }
}
