import OTLP
import Pipeline

/// OpenTelemetry's event `gen_ai.evaluation.result`: an event of the span that was evaluated, or a log record that names it.
enum EvaluationResult {
  typealias Bytes = UnsafeRawBufferPointer

  static let eventName = "gen_ai.evaluation.result"
  /// The attribute without which it is none.
  static let nameKey = "gen_ai.evaluation.name"

  /// Finds the results among a span's events.
  ///
  /// - Parameters:
  ///   - events: fields of a span, from its first event on.
  ///   - facts: of the span.
  ///   - body: gets a score for each.
  static func forEach(inEvents events: Bytes, of facts: borrowing SpanFacts, _ body: (Score) -> Void) {
    var reader = WireReader(events)
    while let field = try? reader.next() {
      guard field.number == 11, let event = field.bytes, isResult(event) else { continue }
      var time: UInt64 = 0
      forEachField(of: event) { if $0.number == 1, case .fixed64(let value) = $0.value { time = value } }
      if let score = score(
        ofAttributes: 3, in: event, trace: facts.trace, span: facts.spanID, time: time == 0 ? facts.end : time)
      {
        body(score)
      }
    }
  }

  /// The score that a log record is, whose entry an index has; nil for all others. One that names no trace is about its session,
  /// or about nothing, which is none. `now`, in nanoseconds since the Unix epoch, is in the place of times that it has not.
  static func score(ofLog record: Bytes, _ entry: SpanEntry, now: UInt64) -> Score? {
    var eventName = Bytes(start: nil, count: 0)
    var observed: UInt64 = 0
    forEachField(of: record) { field in
      if field.number == 12, let name = field.bytes { eventName = name }
      if field.number == 11, case .fixed64(let time) = field.value { observed = time }
    }
    // Before records had a name of their own, it was an attribute.
    if eventName.isEmpty {
      AttributeJSON.forEachPair(in: record, ofField: 6) { key, type, value in
        if type == .string, key.elementsEqual("event.name".utf8) { eventName = value }
      }
    }
    guard eventName.elementsEqual(Self.eventName.utf8) else { return nil }
    return score(
      ofAttributes: 6, in: record, trace: entry.traceID == .none ? nil : entry.traceID,
      span: entry.spanID == 0 ? nil : entry.spanID, time: [entry.start, observed].first { $0 != 0 } ?? now)
  }

  private static func isResult(_ event: Bytes) -> Bool {
    var reader = WireReader(event)
    while let field = try? reader.next() {
      if field.number == 2 { return field.bytes?.elementsEqual(eventName.utf8) == true }
    }
    return false
  }

  private static func forEachField(of message: Bytes, _ body: (WireField) -> Void) {
    var reader = WireReader(message)
    while let field = try? reader.next() { body(field) }
  }

  /// What the attributes in a field of a message say.
  private static func score(
    ofAttributes field: Int, in message: Bytes, trace: TraceID?, span: UInt64?, time: UInt64
  ) -> Score? {
    var draft = ScoreDraft()
    var (session, conversation, response) = ("", "", "")
    func note(_ type: AttributeEntry.ValueType, _ value: Bytes, in text: inout String) {
      if type == .string, value.count <= Score.mostNameBytes { text = String(decoding: value, as: UTF8.self) }
    }
    AttributeJSON.forEachPair(in: message, ofField: field) { key, type, value in
      switch String(decoding: key, as: UTF8.self) {
      case nameKey: draft.noteName(type, value)
      case "gen_ai.evaluation.score.value": draft.noteValue(type, value)
      case "gen_ai.evaluation.score.label": draft.noteLabel(type, value)
      case "gen_ai.evaluation.explanation": draft.noteComment(type, value)
      case "gen_ai.response.id": note(type, value, in: &response)
      case "session.id": note(type, value, in: &session)
      case "gen_ai.conversation.id": note(type, value, in: &conversation)
      default: break
      }
    }
    if !response.isEmpty { draft.addMetadata("gen_ai.response.id", response) }
    if session.isEmpty { session = conversation }
    return draft.score(
      trace: trace, span: span, session: trace == nil ? session : "", source: .evaluation, time: time)
  }
}
