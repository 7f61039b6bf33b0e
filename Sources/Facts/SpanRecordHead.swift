import Glibc
import OTLP

/// Writes what stands before a record's texts.
struct SpanRecordHead {
  /// Bytes that a head takes at most: its length; version, kind, flags, presence; what repeats; two ids and the start, which
  /// may be a varint; and 18 varints.
  static let capacity = 10 + 7 + 2 + 2 * 8 + 10 + 18 * 10

  private let start: UnsafeMutableRawPointer
  private var at: UnsafeMutableRawPointer
  private let repeats: SpanRecord.Repeats
  private var present: SpanRecord.Presence = []
  private var textBytes = 0

  /// In `capacity` bytes of memory; `repeats` is what the record need not say.
  init(_ memory: UnsafeMutableRawPointer, repeating repeats: SpanRecord.Repeats) {
    start = memory
    // Behind a length of one byte, as long as it is not known.
    at = memory + 1
    self.repeats = repeats
  }

  /// Writes the head of a record. Returns the place behind it, where the texts belong. `last` is when the span of the record before
  /// this one began; nil for the first one of a list.
  mutating func write(_ facts: borrowing SpanFacts, after last: UInt64?) -> UnsafeMutableRawPointer {
    let saysClaims = !facts.claims.isEmpty && !repeats.contains(.claims)
    var version: SpanRecord.Version = saysClaims ? .hasClaims : []
    if last != nil { version.insert(.follows) }
    byte(version.rawValue + 1)
    byte(facts.kind.rawValue)
    varint(Int(facts.flags.rawValue))
    let presence = at
    at += 2
    fixed(facts.spanID)
    if last != nil { varint(Int(repeats.rawValue)) }
    if facts.parentID != 0, !repeats.contains(.parent) {
      present.insert(.parent)
      fixed(facts.parentID)
    }
    if let last { varint(Int(bitPattern: UInt(Varint.zigzag(facts.start &- last)))) } else { fixed(facts.start) }
    varint(Int(bitPattern: UInt(facts.end > facts.start ? facts.end - facts.start : 0)))
    number(facts.tokens.input, .input)
    number(facts.tokens.output, .output)
    number(facts.tokens.total, .total)
    number(facts.tokens.cacheRead, .cacheRead)
    number(facts.tokens.cacheWrite, .cacheWrite)
    number(facts.tokens.reasoning, .reasoning)
    number(facts.cost, .cost)
    if !repeats.contains(.name) { length(facts.name) }
    length(facts.statusMessage, .statusMessage, .statusMessage)
    length(facts.model, .model, .model)
    length(facts.provider, .provider, .provider)
    length(facts.workflow, .workflow, .workflow)
    length(facts.endUser, .endUser, .endUser)
    length(facts.session, .session, .session)
    length(facts.metadata, .metadata, .metadata)
    length(facts.tags, .tags, .tags)
    if saysClaims { length(facts.claims) }
    presence.storeBytes(of: present.rawValue.littleEndian, as: UInt16.self)

    let body = start + 1
    let count = at - body
    let size = Varint.size(count + textBytes)
    if size > 1 { memmove(start + size, body, count) }
    _ = Varint.write(count + textBytes, to: start)
    return start + size + count
  }

  private mutating func byte(_ value: UInt8) {
    at.storeBytes(of: value, as: UInt8.self)
    at += 1
  }

  private mutating func fixed(_ value: UInt64) {
    at.storeBytes(of: value.littleEndian, as: UInt64.self)
    at += 8
  }

  private mutating func varint(_ value: Int) { at = Varint.write(value, to: at) }

  private mutating func number(_ value: Int64?, _ field: SpanRecord.Presence) {
    guard let value else { return }
    present.insert(field)
    varint(Int(value))
  }

  private mutating func length(_ text: SpanFacts.Text) {
    textBytes += text.count
    varint(text.count)
  }

  private mutating func length(
    _ text: SpanFacts.Text, _ field: SpanRecord.Presence, _ repeated: SpanRecord.Repeats
  ) {
    guard !text.isEmpty, !repeats.contains(repeated) else { return }
    present.insert(field)
    length(text)
  }
}
