import OTLP

/// OpenInference's feedback on a span: lists of annotations or evaluations, an attribute for each of their fields, as in
/// `annotations.0.annotation.name`.
struct Annotations {
  typealias Bytes = UnsafeRawBufferPointer

  /// How the lists' keys begin.
  static let prefixes = [
    "annotations.", "evaluations.", "trace.annotations.", "trace.evaluations.", "session.annotations.",
    "session.evaluations.",
  ]

  /// Elements of one span at most.
  private static let most = 128

  /// What a list's position in `prefixes` says.
  private struct List {
    let position: UInt16

    var isOfTrace: Bool { position / 2 == 1 }
    var isOfSession: Bool { position / 2 == 2 }
    /// Who speaks unless the annotator's kind says it.
    var source: Score.Source { position % 2 == 0 ? .annotation : .evaluation }
  }

  private struct Element {
    let list: List
    /// In the list.
    let index: Int
    var draft = ScoreDraft()
    var source: Score.Source
    var identifier = ""
  }

  private var elements: [Element] = []

  var isEmpty: Bool { elements.isEmpty }

  mutating func clear() { elements.removeAll(keepingCapacity: true) }

  /// Notes an attribute.
  ///
  /// - Parameters:
  ///   - list: the position of its prefix in `prefixes`.
  ///   - key: behind the prefix.
  ///   - type: of the value.
  ///   - value: as an index has it.
  mutating func note(_ list: UInt16, key: Bytes, _ type: AttributeEntry.ValueType, _ value: Bytes) {
    let digits = key.prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
    guard (1...9).contains(digits.count) else { return }
    var field = Bytes(rebasing: key[digits.count...])
    if field.starts(with: ".annotation.".utf8) {
      field = Bytes(rebasing: field.dropFirst(12))
    } else if field.starts(with: ".evaluation.".utf8) {
      field = Bytes(rebasing: field.dropFirst(12))
    } else {
      return
    }
    let index = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    guard let place = place(of: List(position: list), index) else { return }
    switch String(decoding: field, as: UTF8.self) {
    case "name": elements[place].draft.noteName(type, value)
    case "score": elements[place].draft.noteValue(type, value)
    case "label": elements[place].draft.noteLabel(type, value)
    case "explanation": elements[place].draft.noteComment(type, value)
    case _ where type != .string || value.isEmpty: break
    case "metadata": elements[place].draft.addMetadata(json: value)
    case "identifier":
      if value.count <= Score.mostNameBytes { elements[place].identifier = String(decoding: value, as: UTF8.self) }
    case "annotator_kind":
      guard value.count <= Score.mostNameBytes else { break }
      elements[place].source = value.elementsEqual("HUMAN".utf8) ? .annotation : .evaluation
      elements[place].draft.addMetadata("annotator_kind", String(decoding: value, as: UTF8.self))
    default: break
    }
  }

  private mutating func place(of list: List, _ index: Int) -> Int? {
    // Mostly that of the attribute before.
    if let known = elements.lastIndex(where: { $0.index == index && $0.list.position == list.position }) {
      return known
    }
    guard elements.count < Self.most else { return nil }
    elements.append(Element(list: list, index: index, source: list.source))
    return elements.count - 1
  }

  /// Adds the scores that the attributes of a span say. What is about a session that the span doesn't name is about its trace.
  func append(to scores: inout [Score], of facts: borrowing SpanFacts) {
    for element in elements {
      let session = element.list.isOfSession ? String(decoding: facts.session, as: UTF8.self) : ""
      let isOfSpan = !element.list.isOfTrace && !element.list.isOfSession
      if let score = element.draft.score(
        trace: session.isEmpty ? facts.trace : nil, span: isOfSpan ? facts.spanID : nil, session: session,
        source: element.source, identifier: element.identifier, time: facts.end)
      {
        scores.append(score)
      }
    }
  }
}
