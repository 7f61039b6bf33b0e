import OTLP

/// Facts of a span as bytes: what the ledger keeps of it. A trace's spans are such records behind one another.
///
/// A record is a head of numbers with its text behind it. What a span doesn't say costs no byte:
///
///     length     varint   bytes behind it
///     version    1 byte
///     kind       1 byte
///     flags      varint
///     present    2 bytes  which of the fields below are there; little-endian, like all numbers of fixed size
///     span id    8 bytes
///     parent id  8 bytes  if present
///     start      8 bytes
///     duration   varint   nanoseconds
///     numbers    varints  those present of the token counts and the cost, in the order of `Presence`
///     lengths    varints  of the name, then of those present of the other texts, in the same order; then, in version 2, of
///                         the claims
///     texts
///
/// Version 2 is that of a span that has claims: by which keys it says whose it is. All others are written in version 1.
///
/// The trace id is no part of it: whoever keeps records knows whose they are.
package enum SpanRecord {
  static let version: UInt8 = 1
  static let versionWithClaims: UInt8 = 2

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

  /// Adds the record of a span behind what is there.
  package static func append(_ facts: borrowing SpanFacts, to bytes: inout [UInt8]) {
    let most = mostBytes(facts)
    // By pointer: a closure can't capture what is only borrowed.
    withUnsafePointer(to: facts) { facts in
      withUnsafeTemporaryAllocation(byteCount: most, alignment: 1) { memory in
        let end = write(facts.pointee, to: memory.baseAddress!)
        bytes.append(contentsOf: UnsafeRawBufferPointer(start: memory.baseAddress!, count: end - memory.baseAddress!))
      }
    }
  }

  /// Bytes that the record of a span takes at most.
  package static func mostBytes(_ facts: borrowing SpanFacts) -> Int {
    let names = facts.name.count + facts.statusMessage.count + facts.model.count + facts.provider.count
    let owners = facts.workflow.count + facts.endUser.count + facts.session.count
    return SpanRecordHead.capacity + names + owners + facts.metadata.count + facts.tags.count + facts.claims.count
  }

  /// Writes the record of a span, for which there is room, and returns the place behind it.
  package static func write(
    _ facts: borrowing SpanFacts, to destination: UnsafeMutableRawPointer
  ) -> UnsafeMutableRawPointer {
    var head = SpanRecordHead(destination)
    var end = head.write(facts)
    forEachText(of: facts) { text in
      end.copyMemory(from: text.baseAddress!, byteCount: text.count)
      end += text.count
    }
    return end
  }

  /// Lends those texts that are not empty, in their order. A list of them would be an allocation for each span.
  @inline(__always)
  private static func forEachText(of facts: borrowing SpanFacts, _ body: (SpanFacts.Text) -> Void) {
    if !facts.name.isEmpty { body(facts.name) }
    if !facts.statusMessage.isEmpty { body(facts.statusMessage) }
    if !facts.model.isEmpty { body(facts.model) }
    if !facts.provider.isEmpty { body(facts.provider) }
    if !facts.workflow.isEmpty { body(facts.workflow) }
    if !facts.endUser.isEmpty { body(facts.endUser) }
    if !facts.session.isEmpty { body(facts.session) }
    if !facts.metadata.isEmpty { body(facts.metadata) }
    if !facts.tags.isEmpty { body(facts.tags) }
    if !facts.claims.isEmpty { body(facts.claims) }
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
    while !reader.isAtEnd {
      let start = reader.position
      guard read(&reader, into: &facts) else { return false }
      body(facts, start..<reader.position)
    }
    return true
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

  /// Reads the next record of some bytes into facts that have no trace, or says that it is none.
  @inline(__always)
  static func read(_ reader: inout ByteReader, into facts: inout SpanFacts) -> Bool {
    let record = reader.take(reader.varint())
    return !reader.failed && read(record, &facts)
  }

  private static func read(_ record: UnsafeRawBufferPointer, _ facts: inout SpanFacts) -> Bool {
    var reader = ByteReader(record)
    let version = reader.byte()
    let kind = ObservationKind(rawValue: reader.byte())
    let flags = UInt16(exactly: reader.varint())
    guard version == Self.version || version == Self.versionWithClaims, let kind, let flags else { return false }
    let present = Presence(rawValue: reader.fixed(UInt16.self))
    (facts.trace.first, facts.trace.second) = (0, 0)
    facts.kind = kind
    facts.flags = SpanFacts.Flags(rawValue: flags)
    facts.spanID = reader.fixed(UInt64.self)
    facts.parentID = present.contains(.parent) ? reader.fixed(UInt64.self) : 0
    facts.start = reader.fixed(UInt64.self)
    let duration = reader.varint()
    guard duration <= .max - facts.start else { return false }
    facts.end = facts.start + duration
    readNumbers(present, &reader, &facts)
    guard !reader.failed else { return false }
    // By a copy: a reader that others may change stays in memory.
    return readTexts(reader, present, hasClaims: version == Self.versionWithClaims, &facts)
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
    _ rest: ByteReader, _ present: Presence, hasClaims: Bool, _ facts: inout SpanFacts
  ) -> Bool {
    if hasClaims || !present.isDisjoint(with: .rareTexts) { return readAllTexts(rest, present, hasClaims, &facts) }
    var reader = rest
    let name = reader.varint()
    let model = present.contains(.model) ? reader.varint() : 0
    let provider = present.contains(.provider) ? reader.varint() : 0
    facts.name = reader.take(name)
    facts.model = reader.take(model)
    facts.provider = reader.take(provider)
    let none = SpanFacts.Text(start: nil, count: 0)
    (facts.statusMessage, facts.workflow, facts.endUser) = (none, none, none)
    (facts.session, facts.metadata, facts.tags, facts.claims) = (none, none, none, none)
    return reader.isAtEnd && !reader.failed
  }

  @inline(never)
  private static func readAllTexts(
    _ rest: ByteReader, _ present: Presence, _ hasClaims: Bool, _ facts: inout SpanFacts
  ) -> Bool {
    var reader = rest
    func length(_ field: Presence) -> UInt64 { present.contains(field) ? reader.varint() : 0 }
    let name = reader.varint()
    let statusMessage = length(.statusMessage)
    let model = length(.model)
    let provider = length(.provider)
    let workflow = length(.workflow)
    let endUser = length(.endUser)
    let session = length(.session)
    let metadata = length(.metadata)
    let tags = length(.tags)
    let claims = hasClaims ? reader.varint() : 0
    facts.name = reader.take(name)
    facts.statusMessage = reader.take(statusMessage)
    facts.model = reader.take(model)
    facts.provider = reader.take(provider)
    facts.workflow = reader.take(workflow)
    facts.endUser = reader.take(endUser)
    facts.session = reader.take(session)
    facts.metadata = reader.take(metadata)
    facts.tags = reader.take(tags)
    facts.claims = reader.take(claims)
    return reader.isAtEnd && !reader.failed
  }
}
