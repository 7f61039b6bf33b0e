import OTLP

/// Scores as bytes, on their way to the ledger: records behind one another.
///
///     length     varint   bytes behind it
///     version    1 byte
///     data type  1 byte
///     source     1 byte
///     present    2 bytes  which of the fields below are there; little-endian, like all numbers of fixed size
///     timestamp  8 bytes
///     trace id   16 bytes, span id 8 bytes, number 8 bytes, those present
///     texts      the id and the name, then those present of the others in the order of `Presence`: each a length (varint)
///                and UTF-8
package enum ScoreRecord {
  private static let version: UInt8 = 1

  /// Bits of `present`.
  private struct Presence: OptionSet {
    let rawValue: UInt16

    static let trace = Presence(rawValue: 1)
    static let span = Presence(rawValue: 1 << 1)
    static let number = Presence(rawValue: 1 << 2)
    static let label = Presence(rawValue: 1 << 3)
    static let session = Presence(rawValue: 1 << 4)
    static let comment = Presence(rawValue: 1 << 5)
    static let environment = Presence(rawValue: 1 << 6)
    static let metadata = Presence(rawValue: 1 << 7)
    static let known = Presence(rawValue: (1 << 8) - 1)
  }

  /// Adds the record of a score behind what is there.
  package static func append(_ score: Score, to bytes: inout [UInt8]) {
    var record = [version, score.dataType.rawValue, score.source.rawValue]
    func add(_ value: some FixedWidthInteger) {
      withUnsafeBytes(of: value.littleEndian) { record.append(contentsOf: $0) }
    }
    func add(_ text: String) {
      Varint.append(text.utf8.count, to: &record)
      record.append(contentsOf: text.utf8)
    }
    let texts = texts(of: score)
    var present: Presence = []
    if score.trace != nil { present.insert(.trace) }
    if score.span != nil { present.insert(.span) }
    if score.number != nil { present.insert(.number) }
    for (field, text) in texts where text != nil { present.insert(field) }
    add(present.rawValue)
    add(score.timestamp)
    if let trace = score.trace {
      add(trace.first)
      add(trace.second)
    }
    if let span = score.span { add(span) }
    if let number = score.number { add(number.bitPattern) }
    add(score.id)
    add(score.name)
    for (_, text) in texts {
      if let text { add(text) }
    }
    Varint.append(record.count, to: &bytes)
    bytes.append(contentsOf: record)
  }

  /// In the order of `Presence`.
  private static func texts(of score: Score) -> [(Presence, String?)] {
    [
      (.label, score.label), (.session, score.session), (.comment, score.comment), (.environment, score.environment),
      (.metadata, score.metadata),
    ]
  }

  /// Lends the scores of each record in some bytes, in order.
  ///
  /// - Returns: false at bytes that are no record; what stands behind them is not looked at.
  @discardableResult
  package static func forEach<Failure: Error>(
    in bytes: UnsafeRawBufferPointer, _ body: (Score) throws(Failure) -> Void
  ) throws(Failure) -> Bool {
    var reader = ByteReader(bytes)
    while !reader.isAtEnd {
      let record = reader.take(reader.varint())
      guard !reader.failed, let score = read(record) else { return false }
      try body(score)
    }
    return true
  }

  private static func read(_ record: UnsafeRawBufferPointer) -> Score? {
    var reader = ByteReader(record)
    guard reader.byte() == version, let dataType = Score.DataType(rawValue: reader.byte()),
      let source = Score.Source(rawValue: reader.byte())
    else { return nil }
    let present = Presence(rawValue: reader.fixed(UInt16.self))
    let timestamp = reader.fixed(UInt64.self)
    guard present.isSubset(of: .known), timestamp <= UInt64(Int64.max) else { return nil }
    var score = Score(id: "", name: "", dataType: dataType, source: source, timestamp: timestamp)
    if present.contains(.trace) {
      let first = reader.fixed(UInt64.self)
      score.trace = TraceID(first: first, second: reader.fixed(UInt64.self))
    }
    if present.contains(.span) { score.span = reader.fixed(UInt64.self) }
    if present.contains(.number) { score.number = Double(bitPattern: reader.fixed(UInt64.self)) }
    guard score.number?.isFinite != false, let id = text(&reader), let name = text(&reader) else { return nil }
    (score.id, score.name) = (id, name)
    let places: [(Presence, WritableKeyPath<Score, String?>)] = [
      (.label, \.label), (.session, \.session), (.comment, \.comment), (.environment, \.environment),
      (.metadata, \.metadata),
    ]
    for (field, place) in places where present.contains(field) {
      guard let text = text(&reader) else { return nil }
      score[keyPath: place] = text
    }
    return reader.isAtEnd && !reader.failed ? score : nil
  }

  /// Nil for what is not UTF-8.
  private static func text(_ reader: inout ByteReader) -> String? {
    String(validating: reader.take(reader.varint()), as: UTF8.self)
  }
}
