import JSON
import OTLP

/// One score in JSON, in Langfuse's words.
enum ScoreBody {
  /// Why it can't be used, for the person who runs the sender.
  struct Fault: Error, Equatable {
    let message: String

    init(_ message: String) {
      self.message = message
    }
  }

  /// Reads a score, whose time is `now` unless it says another.
  static func score(_ body: JSONValue, now: UInt64) throws(Fault) -> Score {
    guard body.kind == .object else { throw Fault("a score is an object") }
    let name = try text(body, "name", most: Score.mostNameBytes) ?? ""
    guard !name.isEmpty else { throw Fault("a score needs a name") }
    let subject = try subject(of: body)
    let value = try value(of: body)
    let source = try source(of: body)
    let id = try text(body, "id", most: Score.mostNameBytes) ?? ""
    return Score(
      id: id.isEmpty
        ? Score.derivedID(
          name: name, trace: subject.trace, span: subject.span, session: subject.session, source: source) : id,
      name: name, number: value.number, label: value.label, dataType: value.type, trace: subject.trace,
      span: subject.span, session: subject.session, comment: try text(body, "comment", most: Score.mostTextBytes),
      source: source, timestamp: try time(body, "timestamp") ?? now,
      environment: try text(body, "environment", most: Score.mostNameBytes), metadata: try metadata(of: body))
  }

  // MARK: What it is about

  private static func subject(of body: JSONValue) throws(Fault) -> (trace: TraceID?, span: UInt64?, session: String?) {
    let trace = try id(body, "traceId", digits: 32).map { TraceID(first: $0[0], second: $0[1]) }
    let span = try id(body, "observationId", digits: 16)?[0]
    let session = try text(body, "sessionId", most: Score.mostNameBytes).flatMap { $0.isEmpty ? nil : $0 }
    if member(body, "datasetRunId") != nil { throw Fault("scores of dataset runs are not kept here") }
    if trace != nil, session != nil { throw Fault("a score is about one thing: traceId or sessionId, not both") }
    if span != nil, trace == nil { throw Fault("a score of an observation needs the traceId as well") }
    guard trace != nil || session != nil else { throw Fault("a score needs a traceId or a sessionId") }
    return (trace, span, session)
  }

  /// An id's bytes as they lie in memory, in eights; nil without one.
  private static func id(_ body: JSONValue, _ key: String, digits: Int) throws(Fault) -> [UInt64]? {
    guard let value = member(body, key) else { return nil }
    let wrong = Fault("\(key) is no id of \(digits) hexadecimal digits, not all of them 0")
    guard let text = value.text else { throw wrong }
    if text.isEmpty { return nil }
    guard text.count == digits else { throw wrong }
    var words: [UInt64] = []
    for start in stride(from: 0, to: digits, by: 16) {
      var word: UInt64 = 0
      for byte in text[start..<start + 16] {
        guard let digit = Self.digit(byte) else { throw wrong }
        word = word << 4 | UInt64(digit)
      }
      words.append(word.bigEndian)
    }
    guard words.contains(where: { $0 != 0 }) else { throw wrong }
    return words
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  // MARK: What it says

  private static let dataTypes: KeyValuePairs<String, Score.DataType> = [
    "NUMERIC": .numeric, "BOOLEAN": .boolean, "CATEGORICAL": .categorical, "TEXT": .text, "CORRECTION": .correction,
  ]

  private static func value(
    of body: JSONValue
  ) throws(Fault) -> (number: Double?, label: String?, type: Score.DataType) {
    guard let value = member(body, "value") else { throw Fault("a score needs a value") }
    let number = value.bool.map { $0 ? 1 : 0 } ?? value.double
    var type = number == nil ? Score.DataType.categorical : value.kind == .bool ? .boolean : .numeric
    if let word = member(body, "dataType") {
      guard let known = dataTypes.first(where: { $0.key == word.string }) else {
        throw Fault("dataType is none of NUMERIC, BOOLEAN, CATEGORICAL, TEXT, CORRECTION")
      }
      type = known.value
    }
    switch type {
    case .numeric, .boolean:
      guard let number, number.isFinite else { throw Fault("the value of a numeric or boolean score is a number") }
      if type == .boolean, number != 0, number != 1 { throw Fault("the value of a boolean score is 0 or 1") }
      return (number, nil, type)
    case .categorical, .text, .correction:
      guard value.kind == .string else { throw Fault("the value of a score of this dataType is a text") }
      guard let label = try text(body, "value", most: Score.mostTextBytes), !label.isEmpty || type == .correction else {
        throw Fault("the value of a score is no empty text")
      }
      return (nil, label, type)
    }
  }

  private static func source(of body: JSONValue) throws(Fault) -> Score.Source {
    switch member(body, "source")?.string {
    case nil where member(body, "source") == nil: .api
    case "API": .api
    case "ANNOTATION": .annotation
    default: throw Fault("source is neither API nor ANNOTATION")
    }
  }

  /// As one object: what is none is its member `metadata`, as Langfuse has it.
  private static func metadata(of body: JSONValue) throws(Fault) -> String? {
    guard let value = member(body, "metadata") else { return nil }
    var json = JSONText()
    if value.kind == .object {
      json.value(value)
    } else {
      json.beginObject()
      json.key("metadata")
      json.value(value)
      json.endObject()
    }
    guard json.bytes.count <= Score.mostMetadataBytes else {
      throw Fault("metadata is longer than \(Score.mostMetadataBytes) bytes")
    }
    return String(decoding: json.bytes, as: UTF8.self)
  }

  // MARK: Members

  /// A member; nil where it is null too.
  private static func member(_ body: JSONValue, _ key: String) -> JSONValue? {
    body[key].flatMap { $0.kind == .null ? nil : $0 }
  }

  private static func text(_ body: JSONValue, _ key: String, most: Int) throws(Fault) -> String? {
    guard let value = member(body, key) else { return nil }
    guard let text = value.text else { throw Fault("\(key) is no text") }
    guard text.count <= most else { throw Fault("\(key) is longer than \(most) bytes") }
    return String(decoding: text, as: UTF8.self)
  }

  /// A time in nanoseconds since the Unix epoch; nil where there is none.
  static func time(_ body: JSONValue, _ key: String) throws(Fault) -> UInt64? {
    guard let text = try text(body, key, most: 64) else { return nil }
    guard let time = RFC3339.nanoseconds(of: text), (0...Int128(Int64.max)).contains(time) else {
      throw Fault("\(key) is no time as in 2026-11-21T09:30:00Z, between the years 1970 and 2262")
    }
    return UInt64(time)
  }
}
