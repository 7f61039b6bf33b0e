import OTLP

/// Facts of a span as bytes: what the ledger keeps of it. A trace's spans are such records behind one another.
///
/// A record is a head of numbers with its text behind it. What a span doesn't say costs no byte, and neither does text that the
/// record before it has, too:
///
///     length     varint   bytes behind it
///     version    1 byte
///     kind       1 byte
///     flags      varint
///     present    2 bytes  which of the fields below are there; little-endian, like all numbers of fixed size
///     span id    8 bytes
///     repeats    varint   in versions 3 and 4: which fields are as in the record before this one
///     parent id  8 bytes  if present
///     start      8 bytes; in versions 3 and 4 a varint: zigzag, how much later than that of the record before this one
///     duration   varint   nanoseconds
///     numbers    varints  those present of the token counts and the cost, in the order of `Presence`
///     lengths    varints  of the name unless it repeats, then of those present of the other texts, in the same order; then, in
///                         versions 2 and 4, of the claims
///     texts
///
/// The first record of a list, written by one `SpanRecordWriter`, has version 1; or 2, if the span has claims: by which keys it
/// says whose it is. All others have version 3; or 4 with claims that do not repeat. Lists may stand behind one another.
///
/// The trace id is no part of it: whoever keeps records knows whose they are.
package enum SpanRecord {
  /// Bits of a version, which is one more than they are.
  struct Version: OptionSet {
    let rawValue: UInt8

    static let hasClaims = Version(rawValue: 1)
    static let follows = Version(rawValue: 2)
  }

  /// Bits of `present`.
  struct Presence: OptionSet {
    let rawValue: UInt16

    static let parent = Presence(rawValue: 1)
    static let input = Presence(rawValue: 1 << 1)
    static let output = Presence(rawValue: 1 << 2)
    static let total = Presence(rawValue: 1 << 3)
    static let cacheRead = Presence(rawValue: 1 << 4)
    static let cacheWrite = Presence(rawValue: 1 << 5)
    static let reasoning = Presence(rawValue: 1 << 6)
    static let cost = Presence(rawValue: 1 << 7)
    static let statusMessage = Presence(rawValue: 1 << 8)
    static let model = Presence(rawValue: 1 << 9)
    static let provider = Presence(rawValue: 1 << 10)
    static let workflow = Presence(rawValue: 1 << 11)
    static let endUser = Presence(rawValue: 1 << 12)
    static let session = Presence(rawValue: 1 << 13)
    static let metadata = Presence(rawValue: 1 << 14)
    static let tags = Presence(rawValue: 1 << 15)

    /// Fields that few spans have are asked for together first.
    static let numbers = Presence(rawValue: 0b1111_1110)
    static let rareTexts: Presence = [.statusMessage, .workflow, .endUser, .session, .metadata, .tags]
  }

  /// Bits of `repeats`. Those of which one byte is enough first.
  struct Repeats: OptionSet {
    let rawValue: UInt16

    static let parent = Repeats(rawValue: 1)
    static let name = Repeats(rawValue: 1 << 1)
    static let model = Repeats(rawValue: 1 << 2)
    static let provider = Repeats(rawValue: 1 << 3)
    static let endUser = Repeats(rawValue: 1 << 4)
    static let session = Repeats(rawValue: 1 << 5)
    static let tags = Repeats(rawValue: 1 << 6)
    static let workflow = Repeats(rawValue: 1 << 7)
    static let metadata = Repeats(rawValue: 1 << 8)
    static let statusMessage = Repeats(rawValue: 1 << 9)
    static let claims = Repeats(rawValue: 1 << 10)

    static let all = Repeats(rawValue: 1 << 11 - 1)
    static let rareTexts: Repeats = [.statusMessage, .workflow, .endUser, .session, .metadata, .tags, .claims]
  }

  /// Adds the record of a span, as one of a list of its own, behind what is there.
  package static func append(_ facts: borrowing SpanFacts, to bytes: inout [UInt8]) {
    var writer = SpanRecordWriter()
    writer.append(facts, to: &bytes)
  }

  /// Lends the facts of each record in some bytes, and the record's place with its length, in order. The trace id is not set;
  /// text is not known to be UTF-8.
  ///
  /// - Returns: false at bytes that are no record; what stands behind them is not looked at.
  @discardableResult
  package static func forEach(
    in bytes: UnsafeRawBufferPointer, _ body: (borrowing SpanFacts, _ range: Range<Int>) -> Void
  ) -> Bool {
    var reader = ByteReader(bytes)
    // One for all records: facts are large, and handing them back would copy them.
    var facts = SpanFacts()
    return withUnsafeMutablePointer(to: &facts) { facts in
      var last: UnsafePointer<SpanFacts>?
      while !reader.isAtEnd {
        let start = reader.position
        guard read(&reader, into: facts, after: last) else { return false }
        body(facts.pointee, start..<reader.position)
        last = UnsafePointer(facts)
      }
      return true
    }
  }

  /// How long the record is that bytes begin with, and whose it is; nil where there is none. What else it says is not looked
  /// at.
  package static func first(in bytes: UnsafeRawBufferPointer) -> (byteCount: Int, spanID: UInt64)? {
    var reader = ByteReader(bytes)
    let record = reader.take(reader.varint())
    var fields = ByteReader(record)
    _ = fields.fixed(UInt16.self)
    _ = fields.varint()
    _ = fields.fixed(UInt16.self)
    let spanID = fields.fixed(UInt64.self)
    return fields.failed ? nil : (reader.position, spanID)
  }

  /// Reads the next record of some bytes into facts that have no trace.
  ///
  /// - Parameters:
  ///   - reader: where the record begins.
  ///   - facts: may be those of the record before, which are lost then.
  ///   - last: what the record before says; nil if there is none.
  /// - Returns: whether it was one.
  @inline(__always)
  static func read(
    _ reader: inout ByteReader, into facts: UnsafeMutablePointer<SpanFacts>, after last: UnsafePointer<SpanFacts>?
  ) -> Bool {
    let record = reader.take(reader.varint())
    return !reader.failed && read(record, facts, last)
  }

  private static func read(
    _ record: UnsafeRawBufferPointer, _ facts: UnsafeMutablePointer<SpanFacts>, _ last: UnsafePointer<SpanFacts>?
  ) -> Bool {
    var reader = ByteReader(record)
    let version = Version(rawValue: reader.byte() &- 1)
    let kind = ObservationKind(rawValue: reader.byte())
    let flags = UInt16(exactly: reader.varint())
    let follows = version.contains(.follows)
    guard version.rawValue < 4, let kind, let flags, !follows || last != nil else { return false }
    let last = last ?? UnsafePointer(facts)
    let present = Presence(rawValue: reader.fixed(UInt16.self))
    (facts.pointee.trace.first, facts.pointee.trace.second) = (0, 0)
    facts.pointee.kind = kind
    facts.pointee.flags = SpanFacts.Flags(rawValue: flags)
    facts.pointee.spanID = reader.fixed(UInt64.self)
    let repeated = follows ? reader.varint() : 0
    guard repeated <= Repeats.all.rawValue else { return false }
    let repeats = Repeats(rawValue: UInt16(truncatingIfNeeded: repeated))
    let parent = present.contains(.parent) ? reader.fixed(UInt64.self) : 0
    facts.pointee.parentID = repeats.contains(.parent) ? last.pointee.parentID : parent
    facts.pointee.start =
      follows ? last.pointee.start &+ Varint.unzigzag(reader.varint()) : reader.fixed(UInt64.self)
    let duration = reader.varint()
    guard duration <= .max - facts.pointee.start else { return false }
    facts.pointee.end = facts.pointee.start + duration
    readNumbers(present, &reader, &facts.pointee)
    guard !reader.failed else { return false }
    // By a copy: a reader that others may change stays in memory.
    return readTexts(reader, present, repeats, hasClaims: version.contains(.hasClaims), facts, last)
  }

  @inline(__always)
  private static func readNumbers(_ present: Presence, _ reader: inout ByteReader, _ facts: inout SpanFacts) {
    guard !present.isDisjoint(with: .numbers) else {
      facts.tokens = TokenCounts()
      facts.cost = nil
      return
    }
    @inline(__always) func number(_ field: Presence) -> Int64? {
      present.contains(field) ? Int64(bitPattern: reader.varint()) : nil
    }
    facts.tokens.input = number(.input)
    facts.tokens.output = number(.output)
    facts.tokens.total = number(.total)
    facts.tokens.cacheRead = number(.cacheRead)
    facts.tokens.cacheWrite = number(.cacheWrite)
    facts.tokens.reasoning = number(.reasoning)
    facts.cost = number(.cost)
  }

  /// Reads the end of a record.
  @inline(__always)
  private static func readTexts(
    _ rest: ByteReader, _ present: Presence, _ repeats: Repeats, hasClaims: Bool,
    _ facts: UnsafeMutablePointer<SpanFacts>, _ last: UnsafePointer<SpanFacts>
  ) -> Bool {
    if hasClaims || !present.isDisjoint(with: .rareTexts) || !repeats.isDisjoint(with: .rareTexts) {
      return readAllTexts(rest, present, repeats, hasClaims, facts, last)
    }
    var reader = rest
    let name = repeats.contains(.name) ? 0 : reader.varint()
    let model = present.contains(.model) ? reader.varint() : 0
    let provider = present.contains(.provider) ? reader.varint() : 0
    facts.pointee.name = repeats.contains(.name) ? last.pointee.name : reader.take(name)
    facts.pointee.model = repeats.contains(.model) ? last.pointee.model : reader.take(model)
    facts.pointee.provider = repeats.contains(.provider) ? last.pointee.provider : reader.take(provider)
    let none = SpanFacts.Text(start: nil, count: 0)
    (facts.pointee.statusMessage, facts.pointee.workflow, facts.pointee.endUser) = (none, none, none)
    (facts.pointee.session, facts.pointee.metadata) = (none, none)
    (facts.pointee.tags, facts.pointee.claims) = (none, none)
    return reader.isAtEnd && !reader.failed
  }

  @inline(never)
  private static func readAllTexts(
    _ rest: ByteReader, _ present: Presence, _ repeats: Repeats, _ hasClaims: Bool,
    _ facts: UnsafeMutablePointer<SpanFacts>, _ last: UnsafePointer<SpanFacts>
  ) -> Bool {
    var reader = rest
    func length(_ field: Presence) -> UInt64 { present.contains(field) ? reader.varint() : 0 }
    let name = repeats.contains(.name) ? 0 : reader.varint()
    let statusMessage = length(.statusMessage)
    let model = length(.model)
    let provider = length(.provider)
    let workflow = length(.workflow)
    let endUser = length(.endUser)
    let session = length(.session)
    let metadata = length(.metadata)
    let tags = length(.tags)
    let claims = hasClaims ? reader.varint() : 0
    func text(_ count: UInt64, _ field: Repeats, _ lastText: SpanFacts.Text) -> SpanFacts.Text {
      repeats.contains(field) ? lastText : reader.take(count)
    }
    facts.pointee.name = text(name, .name, last.pointee.name)
    facts.pointee.statusMessage = text(statusMessage, .statusMessage, last.pointee.statusMessage)
    facts.pointee.model = text(model, .model, last.pointee.model)
    facts.pointee.provider = text(provider, .provider, last.pointee.provider)
    facts.pointee.workflow = text(workflow, .workflow, last.pointee.workflow)
    facts.pointee.endUser = text(endUser, .endUser, last.pointee.endUser)
    facts.pointee.session = text(session, .session, last.pointee.session)
    facts.pointee.metadata = text(metadata, .metadata, last.pointee.metadata)
    facts.pointee.tags = text(tags, .tags, last.pointee.tags)
    facts.pointee.claims = text(claims, .claims, last.pointee.claims)
    return reader.isAtEnd && !reader.failed
  }
}
