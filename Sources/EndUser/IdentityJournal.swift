import OTLP
package import Spool

/// Where identities of resolved traces are kept over a restart: a journal of the spool.
package protocol EntryLog: AnyObject, Sendable {
  /// See `Journal`.
  func replay(_ body: (UnsafeRawBufferPointer, UInt64) -> Void)
  func append(_ entry: UnsafeRawBufferPointer)
  func flush()
}

extension Journal: EntryLog {}

/// The journal of resolved identities: an entry for each trace when it is resolved, and for each change by late spans.
///
/// An entry is in memory before a span of its trace leaves. Whoever records that spans are done calls `flush` before, so that
/// no root is done whose identity would be lost with the process.
package final class IdentityJournal: Sendable {
  private let log: any EntryLog

  package init(_ log: any EntryLog) {
    self.log = log
  }

  /// Writes what was taken down so far.
  package func flush() { log.flush() }

  /// Takes an entry down. `scratch` is memory to encode in, kept by the caller; `age` is how long ago the trace was resolved.
  func append(
    _ trace: TraceID, of tenant: UInt64, age: UInt64, rootSeen: Bool, identity: Identity?, scratch: inout [UInt8]
  ) {
    scratch.removeAll(keepingCapacity: true)
    IdentityEntry.encode(trace, of: tenant, age: age, rootSeen: rootSeen, identity: identity, into: &scratch)
    scratch.withUnsafeBytes(log.append)
  }

  /// Hands out the entries of earlier runs, oldest first, and when their traces were resolved; nil for bytes that are no
  /// entry.
  func replay(_ body: (IdentityEntry?, UInt64) -> Void) {
    log.replay { bytes, time in
      let entry = IdentityEntry(bytes)
      body(entry, time - min(time, entry?.age ?? 0))
    }
  }
}

/// What is taken down of a resolved trace:
///
///     version 1 byte, marks 1, source 1, number of fields 1, trace id 16, age 8, speaker 8,
///     if it is some tenant's: tenant 8,
///     per field: role 1, type 1, lengths of the field, of what is before its key, of the key, of what is between key and
///     value, and of the value: 5 varints,
///     the fields' bytes behind one another
struct IdentityEntry {
  private static let version: UInt8 = 1
  private static let rootSeenMark: UInt8 = 1
  private static let identityMark: UInt8 = 2
  private static let tenantMark: UInt8 = 4
  /// Far more than any identity takes, and little enough for sums of 32 bits.
  private static let maxBytes = 1 << 30

  let trace: TraceID
  /// See `RequestOrigin.tenantNumber`.
  let tenant: UInt64
  /// Nanoseconds from the trace's resolution to the entry: a time of its own would mean nothing after a restart.
  let age: UInt64
  let rootSeen: Bool
  let identity: Identity?

  static func encode(
    _ trace: TraceID, of tenant: UInt64, age: UInt64, rootSeen: Bool, identity: Identity?, into bytes: inout [UInt8]
  ) {
    func append(_ number: UInt64) {
      withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }
    bytes.append(version)
    bytes.append(
      (rootSeen ? rootSeenMark : 0) | (identity == nil ? 0 : identityMark) | (tenant == 0 ? 0 : tenantMark))
    bytes.append(identity?.source.code ?? 0)
    bytes.append(UInt8(identity?.fieldCount ?? 0))
    // An id is its bytes as they lie in memory.
    withUnsafeBytes(of: trace.first) { bytes.append(contentsOf: $0) }
    withUnsafeBytes(of: trace.second) { bytes.append(contentsOf: $0) }
    append(age)
    withUnsafeBytes(of: identity?.speaker ?? 0) { bytes.append(contentsOf: $0) }
    if tenant != 0 { append(tenant) }
    guard let identity else { return }
    for field in identity.fields {
      bytes.append(field.role.rawValue)
      bytes.append(field.type.rawValue)
      Varint.append(Int(field.fieldLength), to: &bytes)
      Varint.append(Int(field.keyOffset &- field.fieldOffset), to: &bytes)
      Varint.append(Int(field.keyLength), to: &bytes)
      // A value that is not there is nowhere.
      Varint.append(field.valueLength == 0 ? 0 : Int(field.valueOffset &- field.fieldOffset), to: &bytes)
      Varint.append(Int(field.valueLength), to: &bytes)
    }
    bytes.append(contentsOf: identity.suffix)
  }

  /// Reads an entry; nil when the bytes are none.
  init?(_ bytes: UnsafeRawBufferPointer) {
    var reader = Reader(bytes)
    guard bytes.count <= Self.maxBytes, reader.byte() == Self.version, let marks = reader.byte(),
      let code = reader.byte(),
      let count = reader.byte(), let first = reader.word(), let second = reader.word(), let age = reader.word(),
      let speaker = reader.word(), marks & ~(Self.rootSeenMark | Self.identityMark | Self.tenantMark) == 0
    else { return nil }
    trace = TraceID(first: first, second: second)
    self.age = UInt64(littleEndian: age)
    rootSeen = marks & Self.rootSeenMark != 0
    guard first | second != 0 else { return nil }
    if marks & Self.tenantMark != 0 {
      guard let tenant = reader.word(), tenant != 0 else { return nil }
      self.tenant = UInt64(littleEndian: tenant)
    } else {
      tenant = 0
    }
    guard marks & Self.identityMark != 0 else {
      guard count == 0, code == 0, reader.rest.isEmpty else { return nil }
      identity = nil
      return
    }
    guard let source = Identity.Source(code: code), let parts = reader.parts(count: Int(count)) else { return nil }
    identity = Identity(source: source, speaker: speaker, parts: parts)
  }

  /// Reads what may be anything.
  private struct Reader {
    private(set) var rest: UnsafeRawBufferPointer.SubSequence

    init(_ bytes: UnsafeRawBufferPointer) { rest = bytes[...] }

    mutating func byte() -> UInt8? { rest.popFirst() }

    /// Eight bytes as they lie in memory.
    mutating func word() -> UInt64? {
      guard rest.count >= 8 else { return nil }
      defer { rest = rest.dropFirst(8) }
      return UnsafeRawBufferPointer(rebasing: rest).loadUnaligned(as: UInt64.self)
    }

    /// A length of less than 2^31.
    private mutating func length() -> UInt32? {
      var value: UInt64 = 0
      for shift in stride(from: UInt64(0), to: 35, by: 7) {
        guard let byte = byte() else { return nil }
        value |= UInt64(byte & 0x7f) << shift
        if byte < 0x80 { return value < 1 << 31 ? UInt32(value) : nil }
      }
      return nil
    }

    mutating func parts(count: Int) -> IdentityParts? {
      guard count <= IdentityParts.maxFields else { return nil }
      var fields: [Identity.Field] = []
      var byteCount: UInt32 = 0
      for _ in 0..<count {
        guard let role = byte().flatMap(Identity.Role.init(rawValue:)),
          let type = byte().flatMap(AttributeEntry.ValueType.init(rawValue:)), let fieldLength = length(),
          let key = length(), let keyLength = length(), let value = length(), let valueLength = length(),
          // Each is below 2^31: no sum of two leaves 32 bits.
          key + keyLength <= fieldLength, value + valueLength <= fieldLength,
          Int(byteCount) + Int(fieldLength) <= rest.count
        else { return nil }
        fields.append(
          Identity.Field(
            role: role, fieldOffset: byteCount, fieldLength: fieldLength, keyOffset: byteCount + key,
            keyLength: keyLength, valueOffset: byteCount + value, valueLength: valueLength, type: type))
        byteCount += fieldLength
      }
      guard rest.count == Int(byteCount) else { return nil }
      let bytes = Array(rest)
      for field in fields {
        let range = Int(field.fieldOffset)..<Int(field.fieldOffset + field.fieldLength)
        guard IdentityParts.isAttribute(bytes[range]) else { return nil }
      }
      return IdentityParts(fields: fields, bytes: bytes)
    }
  }
}

extension Identity.Source {
  /// The number of a source in an entry.
  fileprivate var code: UInt8 {
    switch self {
    case .none: 0
    case .root: 1
    case .localRoot: 2
    case .topmost: 3
    case .resource: 4
    case .header: 5
    }
  }

  fileprivate init?(code: UInt8) {
    guard let source = Self.allCases.first(where: { $0.code == code }) else { return nil }
    self = source
  }
}
