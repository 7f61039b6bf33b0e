import Glibc
import OTLP

/// Writes `SpanRecord`s behind one another, as a list in which none says what the one before it says, too: which model it
/// is, whose they all are.
package struct SpanRecordWriter: BitwiseCopyable, Sendable {
  /// Where a text of the last record lies, seen from the first byte of all: in that record, or in the one that it repeats.
  private struct Place: BitwiseCopyable {
    var start: UInt32 = 0
    var count: UInt32 = 0
  }

  private var isFollowing = false
  private var start: UInt64 = 0
  private var parent: UInt64 = 0
  private var name = Place()
  private var statusMessage = Place()
  private var model = Place()
  private var provider = Place()
  private var workflow = Place()
  private var endUser = Place()
  private var session = Place()
  private var metadata = Place()
  private var tags = Place()
  private var claims = Place()

  package init() {}

  /// Begins a list.
  @inline(__always)
  package mutating func begin() { isFollowing = false }

  /// Bytes that the record of a span takes at most.
  package static func mostBytes(_ facts: borrowing SpanFacts) -> Int {
    let names = facts.name.count + facts.statusMessage.count + facts.model.count + facts.provider.count
    let owners = facts.workflow.count + facts.endUser.count + facts.session.count
    return SpanRecordHead.capacity + names + owners + facts.metadata.count + facts.tags.count + facts.claims.count
  }

  /// Writes the record of a span where there is room for it.
  ///
  /// - Parameters:
  ///   - facts: of the span.
  ///   - destination: where the record goes: behind the bytes, or where it will be moved from.
  ///   - base: where the bytes begin that have the records that this list has so far. They may have moved since.
  ///   - count: of these bytes, less than 4 GiB.
  /// - Returns: where the record ends.
  package mutating func write(
    _ facts: borrowing SpanFacts, to destination: UnsafeMutableRawPointer, behind base: UnsafeRawPointer, count: Int
  ) -> UnsafeMutableRawPointer {
    let repeats = isFollowing ? repeats(facts, in: base) : []
    var head = SpanRecordHead(destination, repeating: repeats)
    var end = head.write(facts, after: isFollowing ? start : nil)
    @inline(__always) func put(_ text: SpanFacts.Text, _ field: SpanRecord.Repeats, _ place: inout Place) {
      if repeats.contains(field) { return }
      place = Place(
        start: UInt32(truncatingIfNeeded: count + (end - destination)), count: UInt32(truncatingIfNeeded: text.count))
      guard let start = text.baseAddress else { return }
      memcpy(end, start, text.count)
      end += text.count
    }
    put(facts.name, .name, &name)
    put(facts.statusMessage, .statusMessage, &statusMessage)
    put(facts.model, .model, &model)
    put(facts.provider, .provider, &provider)
    put(facts.workflow, .workflow, &workflow)
    put(facts.endUser, .endUser, &endUser)
    put(facts.session, .session, &session)
    put(facts.metadata, .metadata, &metadata)
    put(facts.tags, .tags, &tags)
    put(facts.claims, .claims, &claims)
    (isFollowing, start, parent) = (true, facts.start, facts.parentID)
    return end
  }

  /// The same behind what is there.
  package mutating func append(_ facts: borrowing SpanFacts, to bytes: inout [UInt8]) {
    let most = Self.mostBytes(facts)
    // By pointer: a closure can't capture what is only borrowed.
    withUnsafePointer(to: facts) { facts in
      withUnsafeTemporaryAllocation(byteCount: most, alignment: 1) { memory in
        let start = memory.baseAddress!
        let end = bytes.withUnsafeBytes {
          write(facts.pointee, to: start, behind: $0.baseAddress ?? UnsafeRawPointer(start), count: $0.count)
        }
        bytes.append(contentsOf: UnsafeRawBufferPointer(start: start, count: end - start))
      }
    }
  }

  /// What of a span is as in the last record.
  @inline(__always)
  private func repeats(_ facts: borrowing SpanFacts, in base: UnsafeRawPointer) -> SpanRecord.Repeats {
    var repeats = SpanRecord.Repeats()
    @inline(__always) func compare(_ text: SpanFacts.Text, _ field: SpanRecord.Repeats, _ place: Place) {
      guard !text.isEmpty, text.count == Int(place.count),
        memcmp(text.baseAddress!, base + Int(place.start), text.count) == 0
      else { return }
      repeats.insert(field)
    }
    if facts.parentID != 0, facts.parentID == parent { repeats.insert(.parent) }
    compare(facts.name, .name, name)
    compare(facts.statusMessage, .statusMessage, statusMessage)
    compare(facts.model, .model, model)
    compare(facts.provider, .provider, provider)
    compare(facts.workflow, .workflow, workflow)
    compare(facts.endUser, .endUser, endUser)
    compare(facts.session, .session, session)
    compare(facts.metadata, .metadata, metadata)
    compare(facts.tags, .tags, tags)
    compare(facts.claims, .claims, claims)
    return repeats
  }
}
