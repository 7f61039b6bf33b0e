import Glibc
import OTLP
import Spool

/// A span wherever it lies, in a request or in waiting storage: what identity needs to know of it. Borrowed memory.
struct SpanView {
  let payload: UnsafeRawPointer
  let length: Int
  let attributes: UnsafePointer<AttributeEntry>
  let attributeCount: Int
  let spanID: UInt64
  let parentID: UInt64
  let start: UInt64
  let marks: SpanMarks
  let scope: Unmanaged<Scope>
  /// What names the span in the spool; nil without one. The spool keeps the record for as long as the unit is not done.
  let record: Unmanaged<SpoolRecord>?
  let unit: UInt32
  /// Where the payload begins in the request as it was received; `unknownOffset` for one that was reduced since.
  let offset: UInt32

  static let unknownOffset = UInt32.max

  /// A root has no parent; a local root's parent is not one of ours.
  @inline(__always)
  var isRoot: Bool { !marks.contains(.hasParent) }
  @inline(__always)
  var isLocalRoot: Bool {
    marks.contains(.hasParent) && !marks.isDisjoint(with: [.remoteParent, .applicationRoot])
  }

  /// A span that leaves nowhere is done.
  func markDone() {
    record?._withUnsafeGuaranteedRef { $0.markDone(Int(unit), count: 1) }
  }

  /// The bytes of an attribute's whole field.
  func field(_ attribute: AttributeEntry) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: payload + Int(attribute.fieldOffset), count: Int(attribute.fieldLength))
  }

  func key(_ attribute: AttributeEntry) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: payload + Int(attribute.keyOffset), count: Int(attribute.keyLength))
  }

  func value(_ attribute: AttributeEntry) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: payload + Int(attribute.valueOffset), count: Int(attribute.valueLength))
  }
}

extension UnsafeRawBufferPointer {
  /// Whether both hold the same bytes.
  @inline(__always)
  func equals(_ other: UnsafeRawBufferPointer) -> Bool {
    count == other.count && (count == 0 || memcmp(baseAddress!, other.baseAddress!, count) == 0)
  }
}
